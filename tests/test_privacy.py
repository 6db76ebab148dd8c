"""Nobody's name, number or words in a log line, a metric or a URL of ours, whatever goes wrong."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from monitor.bootstrap import App, build, prepare
from monitor.clock import StoppedClock
from monitor.config import Settings, SmsKind
from monitor.db import transaction
from monitor.models import Inbound
from monitor.scheduler import TICK_ERRORS, Ticks, Worker
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.init import initialise
from monitor.services.staff import add_staff
from tests.conftest import CLINIC
from tests.twilio_standin import Delivery, Signature, Standin, refusal, reset, server_error
from tests.twilio_standin.fixture import standin
from tests.twilio_standin.standin import ACCOUNT_SID, AUTH_TOKEN, NUMBER
from tests.web.caller import Client, Web

__all__ = ["standin"]

ANN, NURSE, STRANGER = "+12025550101", "+12025550171", "+12025550133"
SECRETS = (
    "Ann",
    "Carter",
    "Nurse Lind",
    "2025550101",
    "2025550171",
    "2025550133",
    "agony",
    "yellow",
    "granny",
    AUTH_TOKEN,
)


@pytest.fixture
def app(tmp_path: Path, clock: StoppedClock, standin: Standin) -> Iterator[App]:
    """The program with the stand-in for Twilio, at noon on a working day."""
    clock.move_to(clock.now() + timedelta(days=1, hours=4))
    settings = Settings.model_validate(
        {
            "MONITOR_HOME": tmp_path / "home",
            "MONITOR_SMS": SmsKind.TWILIO,
            "MONITOR_PUBLIC_URL": "http://127.0.0.1:8000",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_FROM_NUMBER": NUMBER,
            "TWILIO_BASE_URL": standin.url,
        }
    )
    prepare(settings).dispose()
    app = build(settings, clock=clock)
    with transaction(app.sessions) as session:
        clinic = initialise(session, CLINIC, now=clock.now())
        add_staff(session, clinic, "Nurse Lind", NURSE, now=clock.now())
    yield app
    app.engine.dispose()


def nobody_in(text: str) -> bool:
    whole_words = (rf"(?<![a-z]){re.escape(secret)}(?![a-z])" for secret in SECRETS)
    assert [found for word in whole_words for found in re.findall(word, text, re.IGNORECASE)] == []
    return True


def deliver_here(standin: Standin, web: Web) -> None:
    """Let the stand-in's webhooks reach the web part without a socket."""
    host = "http://127.0.0.1:8000"

    def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        answer = Client(web.client.asgi).post(url.removeprefix(host), content=body, headers=headers)
        return answer.status_code, answer.text

    standin._webhooks._post = post  # type: ignore[assignment]  # the stand-in is made before the program is


def test_a_long_story_with_every_trouble_names_nobody(
    app: App, clock: StoppedClock, standin: Standin, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    web, ticks = Web(app), Ticks(app)
    deliver_here(standin, web)
    standin.fail_next(server_error(500), to=ANN)
    with transaction(app.sessions) as session:
        surgery = (clock.now() - timedelta(days=4)).date()
        enrol(session, the_clinic(session), Enrolment("Ann Carter", ANN, surgery, "form"), now=clock.now())
    for fault in (server_error(503), reset(accepts=False), reset(accepts=True), refusal(30003), refusal(21211)):
        standin.fail_next(fault, to=ANN)
    standin.deliver_next(Delivery("undelivered", error_code=30006), to=NURSE)
    for text in ("3", "agony, and yellow stuff comes out", "\x00granny \U0001f622", "I cannot breathe", "STOP"):
        standin.patient_texts(ANN, text)
        standin.patient_texts(ANN, text, signed=Signature.WRONG)
        standin.patient_texts(STRANGER, text)
        for _ in range(8):
            clock.forward(seconds=40)
            ticks.everything()
        ticks.fetch_inbound()
        standin.settle()
    with monkeypatch.context() as broken:
        broken.setattr("monitor.services.read.read_one", fail)
        standin.patient_texts(ANN, "granny says it hurts")
        ticks.urgent()
    clock.forward(days=2)
    ticks.everything()
    standin.settle()
    assert "reading inbound" in caplog.text
    assert nobody_in(caplog.text)
    assert nobody_in(web.client.get("/metrics").text)
    assert nobody_in(" ".join(call.url for call in standin.webhooks))
    assert nobody_in(" ".join(request.form.get("StatusCallback", "") for request in standin.requests))


def fail(*_: object, **__: object) -> None:
    raise RuntimeError(f"Ann Carter {ANN} says granny is in agony")


def test_an_error_in_a_tick_is_counted_and_logged_by_kind_alone(
    app: App, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("monitor.scheduler.reconcile", fail)
    counted = TICK_ERRORS.labels("reconcile")._value
    before, worker = counted.get(), Worker(app)
    worker.start()
    end = time.monotonic() + 10
    while counted.get() == before and time.monotonic() < end:
        time.sleep(0.02)
    worker.stop()
    assert counted.get() == before + 1
    assert "tick reconcile: RuntimeError in scheduler.py:" in caplog.text
    assert nobody_in(caplog.text)


def test_the_databases_own_messages_show_no_values(app: App) -> None:
    row = {"sid": "SM1", "from_number": ANN, "to_number": NUMBER, "body": "agony", "media": 0, "attempts": 0}
    row |= {"received_at": app.clock.now()}
    with pytest.raises(IntegrityError) as refused, transaction(app.sessions) as session:
        session.execute(insert(Inbound), [row, row])
    assert "parameters hidden" in str(refused.value)
    assert nobody_in(str(refused.value))
