"""The worker wakes when it should: at the next due moment, and whenever somebody asks, even while it is busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from monitor.bootstrap import App
from monitor.scheduler import SECONDS, Worker
from monitor.services.isolation import Pass, failing_work
from tests.running import wait_for

SOON = 60.0  # seconds, a tenth of what its own turn would take


@pytest.fixture
def worker(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker whose own turns are far apart, so that only a wake-up can be why it ran."""
    for name in SECONDS:
        monkeypatch.setitem(SECONDS, name, 600)
    worker = Worker(app)
    monkeypatch.setattr(worker.listener, "wake", lambda: None)
    yield worker
    if worker.scheduler.running:
        worker.stop()


class Slow:
    """Stands in for the urgent tick: each run takes until it is let go."""

    def __init__(self) -> None:
        self.started, self.let_go, self.runs, self.together = threading.Semaphore(0), threading.Semaphore(0), 0, 0
        self.most_together = 0

    def __call__(self) -> None:
        self.runs += 1
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        self.started.release()
        assert self.let_go.acquire(timeout=SOON)
        self.together -= 1


def test_a_wake_up_during_a_tick_leads_to_one_more(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(worker.ticks, "urgent", slow)
    worker.start()
    assert slow.started.acquire(timeout=SOON)
    for _ in range(5):
        worker.wake()
    slow.let_go.release(2)
    assert slow.started.acquire(timeout=SOON)
    worker.stop()
    assert (slow.runs, slow.most_together) == (2, 1)


def test_what_stays_due_does_not_keep_the_processor_busy(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[float] = []
    monkeypatch.setattr(worker.ticks, "urgent", lambda: runs.append(time.monotonic()))
    monkeypatch.setattr("monitor.scheduler.next_due", lambda app: app.clock.now())
    worker.start()
    time.sleep(0.6)
    worker.stop()
    assert 2 <= len(runs) <= 8


def test_a_worker_that_has_ended_may_still_be_woken_and_stays_ended(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[float] = []
    monkeypatch.setattr(worker.ticks, "urgent", lambda: runs.append(time.monotonic()))
    worker.start()
    worker.stop()
    before = len(runs)
    worker.wake()
    time.sleep(0.2)
    assert not worker.scheduler.running
    assert len(runs) == before


def test_a_worker_that_is_busy_with_what_stays_due_can_be_ended(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, now = Slow(), worker.app.clock.now()
    monkeypatch.setattr(worker.ticks, "urgent", slow)
    monkeypatch.setattr("monitor.scheduler.next_due", lambda _: now)
    worker.start()
    assert slow.started.acquire(timeout=SOON)
    end = threading.Thread(target=worker.stop, daemon=True)
    end.start()
    time.sleep(0.2)  # the end waits for the tick, and the tick then plans its next wake-up
    slow.let_go.release()
    end.join(SOON)
    assert not end.is_alive()


def test_who_wrote_while_we_were_away_is_heard_before_anything_is_sent(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    for name in ("fetch_inbound", "urgent"):
        monkeypatch.setattr(worker.ticks, name, partial(done.append, name))
    worker.start()
    wait_for("two turns", lambda: done.count("urgent") == 1, seconds=SOON)
    worker.wake()
    wait_for("two turns", lambda: done.count("urgent") == 2, seconds=SOON)
    worker.stop()
    assert done == ["fetch_inbound", "urgent", "urgent"]


def test_pages_leave_though_what_came_meanwhile_cannot_be_fetched(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail() -> None:
        asked.append("fetch")
        raise RuntimeError("something that nobody foresaw")

    monkeypatch.setattr(worker.ticks, "fetch_inbound", fail)
    monkeypatch.setattr(worker.ticks, "urgent", partial(asked.append, "urgent"))
    worker.start()
    wait_for("a turn", lambda: "urgent" in asked, seconds=SOON)
    worker.stop()
    assert asked[:2] == ["fetch", "urgent"]
    assert failing_work() == ["fetch inbound"]
    with Pass("fetch inbound"):  # the next time it goes well
        pass
    assert failing_work() == []
