"""`monitor run` as a process of its own, real Twilio SDK, real HTTP: the main job, the power going out, a call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from tests.running import Installation, wait_for
from tests.twilio_standin import Signature, Standin, silence
from tests.twilio_standin.fixture import standin
from tests.twilio_standin.standin import ACCOUNT_SID, AUTH_TOKEN, NUMBER

__all__ = ["standin"]

ANN, BEN, CAT = "+12025550101", "+12025550102", "+12025550103"
NURSE, DOCTOR = "+12025550171", "+12025550172"
CODE = re.compile(r"Reply (\d{4,6}) to take it$")
NOON = 12 - SystemClock().now().hour  # hours to add to UTC for it to be noon or a little later


@pytest.fixture
def running(tmp_path: Path, standin: Standin) -> Iterator[Installation]:
    """A clinic where it is noon, two people to page, and `monitor run` with the stand-in for Twilio."""
    settings = {
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_FROM_NUMBER": NUMBER,
        "TWILIO_BASE_URL": standin.url,
    }
    running = Installation(tmp_path / "home", settings)
    settings["MONITOR_PUBLIC_URL"] = standin.public_url = running.url
    zone = f"Etc/GMT{-NOON:+d}"  # these names count westward
    running.command("init", "--clinic", "Smile Dental", "--timezone", zone, "--emergency-number", "911")
    running.command("staff", "add", "--name", "Nurse Lind", "--phone", NURSE)
    running.command("staff", "add", "--name", "Dr Okafor", "--phone", DOCTOR)
    running.start()
    yield running
    running.close()


def enrol(running: Installation, name: str, phone: str, *, days_ago: int = 4) -> None:
    today = SystemClock().now().astimezone(timezone(timedelta(hours=NOON))).date()
    surgery = (today - timedelta(days=days_ago)).isoformat()
    running.command("enrol", "--name", name, "--phone", phone, "--surgery", surgery, "--consent", "signed form")


def gets(standin: Standin, number: str, *parts: str) -> str:
    """The text to this number that holds all of these, once Twilio has it."""

    def look() -> str | None:
        bodies = (message.body for message in standin.sent_to(number))
        return next((body for body in bodies if all(part.lower() in body.lower() for part in parts)), None)

    return wait_for(f"a text with {parts} to {number}", look)


def test_the_main_job_from_enrolment_to_outcome(running: Installation, standin: Standin) -> None:
    enrol(running, "Ann Carter", ANN)
    gets(standin, ANN, "how your implant heals", "STOP")
    gets(standin, ANN, "pain", "0", "10")
    for answer, question in (("3", "pain 3"), ("going down", "going down")):
        assert standin.patient_texts(ANN, answer) == 200
        gets(standin, ANN, question)
    assert (
        standin.patient_texts(ANN, "no fever but there's some yellow stuff coming out", signed=Signature.WRONG) == 403
    )
    assert standin.patient_texts(ANN, "no fever but there's some yellow stuff coming out") == 200
    page = gets(standin, NURSE, "urgent", "A.C.", "pus")
    gets(standin, DOCTOR, "urgent", "A.C.", "pus")
    assert "Ann" not in page
    gets(standin, ANN, "they will call you by")
    code = CODE.search(page)
    assert code is not None
    standin.patient_texts(NURSE, code[1])
    gets(standin, NURSE, "it is yours", ANN)
    (alert,) = running.json("alert", "list")
    assert (alert["state"], alert["taken_by"]) == ("taken", "Nurse Lind")
    standin.patient_texts(NURSE, f"{code[1]} A")
    gets(standin, NURSE, "recorded")
    standin.settle()
    assert running.json("alert", "list") == []
    assert running.json("ledger")["holes"] == []
    assert [m.body for m in standin.sent_to(ANN)] == list(dict.fromkeys(m.body for m in standin.sent_to(ANN)))
    assert {call.status for call in standin.webhooks} == {200, 204, 403}
    assert running.end() == 0
    nobody_is_named(running)


def nobody_is_named(running: Installation) -> None:
    for part in ("Ann", "Carter", "2025550101", "2025550171", "yellow", "going down"):
        assert part not in running.log
    assert "ERROR" not in running.log


def test_the_power_goes_out_while_texts_are_under_way(running: Installation, standin: Standin) -> None:
    """One text was taken by Twilio and one was not, and neither answer came; a third arrived meanwhile."""
    standin.fail_next(silence(accepts=True), to=ANN)
    standin.fail_next(silence(accepts=False), to=BEN)
    for name, phone in (("Ann Carter", ANN), ("Ben Petrov", BEN), ("Cat Doyle", CAT)):
        enrol(running, name, phone)
    wait_for("three texts under way", lambda: len({r.form.get("To") for r in standin.requests if r.form}) == 3)
    running.kill()
    assert standin.patient_texts(CAT, "there is pus") == 0
    let_a_while_pass(running)
    running.start()
    gets(standin, NURSE, "urgent", "C.D.", "pus")
    for phone in (ANN, BEN, CAT):
        gets(standin, phone, "how your implant heals")
    for phone in (ANN, BEN):
        gets(standin, phone, "pain", "0", "10")
    standin.settle()
    for phone in (ANN, BEN, CAT):
        bodies = [message.body for message in standin.sent_to(phone)]
        assert len(bodies) == len(set(bodies)), bodies
    assert running.json("ledger")["holes"] == []
    assert running.end() == 0


def let_a_while_pass(running: Installation) -> None:
    """As if the program had been away for some minutes: what was under way is that much older."""
    earlier = (datetime.now(UTC) - timedelta(minutes=3)).replace(tzinfo=None).isoformat(" ")  # noqa: TID251
    running.rows("UPDATE messages SET claimed_at = ?, lease_until = ? WHERE state = 'sending'", earlier, earlier)


def test_an_emergency_rings_and_only_a_keypress_takes_it(running: Installation, standin: Standin) -> None:
    enrol(running, "Ann Carter", ANN)
    gets(standin, ANN, "how your implant heals")
    standin.patient_texts(ANN, "I cannot breathe")
    gets(standin, ANN, "please call 911")
    gets(standin, NURSE, "emergency", "A.C.")
    calls = wait_for("two calls", lambda: {c.to: c for c in standin.calls} if len(standin.calls) == 2 else None)
    calls[NURSE].voicemail()
    assert "emergency" in calls[NURSE].heard.lower()
    assert "Ann" not in calls[NURSE].heard
    (alert,) = running.json("alert", "list")
    assert (alert["band"], alert["state"]) == ("emergency", "open")
    calls[DOCTOR].press("1")
    (alert,) = running.json("alert", "list")
    assert (alert["state"], alert["taken_by"]) == ("taken", "Dr Okafor")
    gets(standin, DOCTOR, "it is yours", ANN)
    assert running.end() == 0
