"""What one process writes another one's worker sends at once, not at its next turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import ColumnElement, func, select, text

from monitor.bootstrap import App, build
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.domain.sending import Kind
from monitor.models import Inbound, PhoneText
from monitor.scheduler import SECONDS, Worker
from monitor.services.clinic import the_clinic
from monitor.services.outbox import queue_to_number
from monitor.services.receive import save_inbound
from monitor.sms.gateway import Received
from tests.running import wait_for

SOON = 60.0  # seconds, a tenth of what its own turn would take; bench_idle measures how soon it really is
NURSE, STRANGER = "+12025550171", "+12025550155"


@pytest.fixture
def elsewhere(app: App, clock: StoppedClock) -> Iterator[App]:
    """Another process's program on the same database."""
    other = build(app.settings, clock=clock)
    yield other
    other.engine.dispose()


@pytest.fixture
def worker(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker whose own turns are far apart."""
    for name in SECONDS:
        monkeypatch.setitem(SECONDS, name, 600)
    worker = Worker(app)
    worker.start()
    yield worker
    worker.stop()


def page(app: App, number: int) -> None:
    with transaction(app.sessions) as session:
        once, now = f"page:{number}", app.clock.now()
        queue_to_number(session, the_clinic(session), NURSE, f"page {number}", once=once, kind=Kind.PAGE, now=now)


def shown(app: App, where: ColumnElement[bool]) -> Callable[[], bool]:
    def look() -> bool:
        with transaction(app.sessions) as session:
            return bool(session.scalar(select(func.count()).select_from(PhoneText).where(where)))

    return look


def test_a_page_that_another_process_writes_leaves_at_once(worker: Worker, elsewhere: App) -> None:
    time.sleep(1)  # its first turns are over
    for number in range(20):
        page(elsewhere, number)
        wait_for("the page", shown(elsewhere, PhoneText.body == f"page {number}"), seconds=SOON)
    with transaction(elsewhere.sessions) as session:
        arrived = session.scalars(select(PhoneText.body).where(PhoneText.phone == NURSE).order_by(PhoneText.id)).all()
    assert arrived == [f"page {number}" for number in range(20)]  # each once


def test_a_text_that_another_process_saves_is_read_at_once(worker: Worker, elsewhere: App) -> None:
    time.sleep(1)
    answered = shown(elsewhere, PhoneText.phone == STRANGER)
    assert not answered()
    received = Received("SM1", STRANGER, "clinic", "hello", 0, elsewhere.clock.now())
    with transaction(elsewhere.sessions) as session:
        save_inbound(session, received, raw=None, now=received.received_at)
    wait_for("an answer", answered, seconds=SOON)
    with transaction(elsewhere.sessions) as session:
        assert session.scalars(select(Inbound.result)).one() == "unknown_number"
        assert session.scalars(select(PhoneText.incoming)).all() == [True]


def test_what_is_not_committed_wakes_nobody(worker: Worker, elsewhere: App, monkeypatch: pytest.MonkeyPatch) -> None:
    time.sleep(1)
    runs: list[float] = []
    monkeypatch.setattr(worker.ticks, "urgent", lambda: runs.append(time.monotonic()))
    received = Received("SM1", NURSE, "clinic", "hello", 0, elsewhere.clock.now())
    with elsewhere.sessions() as session:
        save_inbound(session, received, raw=None, now=received.received_at)
        session.rollback()
    time.sleep(1)
    assert runs == []


@pytest.mark.engine("postgresql")
def test_a_listener_that_is_cut_off_listens_again(
    worker: Worker, elsewhere: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And looks once, since what was written meanwhile was not announced to it."""
    monkeypatch.setattr("monitor.wake.AGAIN_AFTER", 0.1)
    time.sleep(1)
    woken = threading.Event()
    monkeypatch.setattr(worker.listener, "wake", woken.set)
    with transaction(elsewhere.sessions) as session:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = "
        session.execute(text(cut + "current_database()"))
    assert woken.wait(SOON)
    woken.clear()
    page(elsewhere, 1)
    assert woken.wait(SOON)


@pytest.mark.engine("sqlite")
def test_a_listener_whose_file_fails_listens_again(
    worker: Worker, elsewhere: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As while the disk is gone."""
    monkeypatch.setattr("monitor.wake.AGAIN_AFTER", 0.1)
    time.sleep(1)
    woken = threading.Event()
    monkeypatch.setattr(worker.listener, "wake", woken.set)
    with monkeypatch.context() as broken:
        broken.setattr("monitor.wake.COUNT_OF_COMMITS", "SELECT count FROM nowhere")
        wait_for("a warning", lambda: "listening for work broke off" in caplog.text, seconds=SOON)
    woken.clear()
    page(elsewhere, 1)
    assert woken.wait(SOON)


def test_a_worker_that_nobody_writes_to_rests(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own looks at the database are no reason to look again."""
    runs = [time.monotonic()]
    monkeypatch.setattr(worker.ticks, "urgent", lambda: runs.append(time.monotonic()))
    wait_for("the end of its first turns", lambda: time.monotonic() - runs[-1] > 2)
    runs.clear()
    worker.wake()
    wait_for("the turn that was asked for", lambda: runs, seconds=SOON)
    time.sleep(1)
    assert len(runs) == 1
