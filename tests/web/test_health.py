"""Health: the process, its database and its worker, each told apart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from monitor.clock import StoppedClock, SystemClock
from monitor.db import transaction
from monitor.models import Clinic, Heartbeat, Message
from monitor.scheduler import Ticks
from monitor.services.receive import save_inbound
from monitor.sms.gateway import Received
from tests.web.caller import Web


def beat(web: Web, *, ago: timedelta = timedelta()) -> None:
    """The worker says that it lives, or did."""
    with transaction(web.app.sessions) as session:
        session.merge(Heartbeat(name="worker", at=SystemClock().now() - ago))


def plan_text(web: Web, *, late: timedelta) -> None:
    with transaction(web.app.sessions) as session:
        clinic, now = session.scalars(select(Clinic)).one(), web.app.clock.now()
        text = Message(once="test", clinic_id=clinic.id, kind="answer", to_number="+12025550101", body="hello")
        text.priority, text.due_at, text.created_at = 1, now - late, now
        session.add(text)


def test_the_process_answers_whatever_its_database_does(web: Web, tmp_path: Path) -> None:
    lose_database(web, tmp_path)
    assert web.client.get("/healthz").json() == {"status": "ok"}


def test_ready_needs_a_worker_that_lives(web: Web) -> None:
    answer = web.client.get("/readyz")
    assert (answer.status_code, answer.json()["worker"]) == (503, "no heartbeat for a minute")
    Ticks(web.app).heartbeat()
    answer = web.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "status": "ok",
            "database": "ok",
            "worker": "ok",
            "failing": "ok",
            "oldest_due": "ok",
            "oldest_unread": "ok",
        },
    )


@pytest.mark.parametrize(("seconds", "code"), [(50, 200), (70, 503)])
def test_a_worker_silent_for_a_minute_is_gone(seconds: int, code: int, web: Web) -> None:
    beat(web, ago=timedelta(seconds=seconds))
    assert web.client.get("/readyz").status_code == code


@pytest.mark.parametrize(("minutes", "code"), [(1, 200), (3, 503)])
def test_a_text_that_is_not_sent_shows(minutes: int, code: int, web: Web) -> None:
    beat(web)
    plan_text(web, late=timedelta(minutes=minutes))
    answer = web.client.get("/readyz")
    assert answer.status_code == code
    assert answer.json()["oldest_due"] == ("ok" if code == 200 else "180 s late")


@pytest.mark.parametrize(("minutes", "code"), [(1, 200), (3, 503)])
def test_a_text_received_and_not_read_shows(minutes: int, code: int, web: Web) -> None:
    beat(web)
    with transaction(web.app.sessions) as session:
        at = web.app.clock.now() - timedelta(minutes=minutes)
        save_inbound(session, Received("SM7", "+12025550101", "clinic", "it hurts", 0, at), raw=None, now=at)
    answer = web.client.get("/readyz")
    assert answer.status_code == code
    assert answer.json()["oldest_unread"] == ("ok" if code == 200 else "waits for 180 s")


@pytest.mark.parametrize(("seconds", "found"), [(50, "chase, escalate"), (70, "ok")])
def test_work_that_fails_shows_for_a_minute(seconds: int, found: str, web: Web) -> None:
    beat(web)
    with transaction(web.app.sessions) as session:
        for work in ("escalate", "chase"):
            session.merge(Heartbeat(name=f"failing: {work}", at=SystemClock().now() - timedelta(seconds=seconds)))
    answer = web.client.get("/readyz")
    assert (answer.status_code, answer.json()["failing"]) == (200 if found == "ok" else 503, found)
    shown = 'monitor_work_failing{work="escalate"} 1.0' in web.client.get("/metrics").text
    assert shown == (found != "ok")


def test_a_text_for_later_is_not_late(web: Web) -> None:
    beat(web)
    plan_text(web, late=-timedelta(days=3))
    assert web.client.get("/readyz").status_code == 200


def test_a_dead_database_shows(web: Web, tmp_path: Path) -> None:
    lose_database(web, tmp_path)
    answer = web.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "database": "does not answer"})


def test_a_moved_clock_does_not_make_the_worker_look_dead(web: Web, clock: StoppedClock) -> None:
    beat(web)
    clock.forward(days=300)
    assert web.client.get("/readyz").json()["worker"] == "ok"


def lose_database(web: Web, folder: Path) -> None:
    web.app.engine.dispose()
    (folder / "monitor.db").rename(folder / "elsewhere.db")
    (folder / "monitor.db").mkdir()
