"""APScheduler wakes the ticks; rows are the schedule. Every tick is safe twice, late, or beside another worker.

interval ticks     dispatch · read · escalate · chase · digest · reconcile · fetch inbound · heartbeat · archive
next-due wake-up   one `date` job at the next instant at which a row is due
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import Counter

from monitor import queries
from monitor.bootstrap import App
from monitor.clock import SystemClock
from monitor.db import transaction
from monitor.errors import GatewayError, NotReady
from monitor.locking import note_moment
from monitor.logs import place_of
from monitor.models import Heartbeat
from monitor.services.archive import archive
from monitor.services.chase import chase, extend_plans
from monitor.services.digest import digest
from monitor.services.dispatch import Flight, dispatch
from monitor.services.escalate import escalate
from monitor.services.forget import forget
from monitor.services.isolation import FAILING, Pass, failing_work
from monitor.services.pace import Pace
from monitor.services.read import read_waiting
from monitor.services.reconcile import fetch_inbound, reconcile
from monitor.wake import CommitListener, Listener, NoticeListener

log = logging.getLogger(__name__)
TICK_ERRORS = Counter("monitor_tick_errors", "Ticks that ended in an error or were missed", ["tick"])
SECONDS = {
    "urgent": 5,  # behind the next-due wake-up and the notice of what another process has written
    "chase": 30,
    "reconcile": 10,
    "fetch_inbound": 180,
    "heartbeat": 15,
    "archive": 60,
}
ROUNDS = 1000  # batches in one urgent tick; the next tick goes on where this one ended
CLOCK_STEP = 1.0  # seconds by which the machine's clock was set; seconds between two looks whether it was
SOONEST = 0.1  # seconds; a row that stays due cannot keep the processor busy
AFTER_FETCHING = 20  # seconds; texts that came while we were away are read before silence is judged
REAL_TIME = SystemClock()  # heartbeats and wake-ups happen in real time, whatever the patients' clock says


class Ticks:
    """The program's verbs, bound to one app."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.public_url = app.settings.public_url
        self.pace = Pace(app.settings.texts_per_second)
        self.ending = False  # what is under way ends, and nothing new is begun
        self.well = True  # the last urgent tick had no error

    def urgent(self) -> None:
        """Read, escalate and send a batch, until nothing is due: what a text sets off leaves in the same breath."""
        broken: set[str] = set()
        app = self.app
        with Flight(app.sessions, app.gateway, app.clock, worker=self.worker, pace=self.pace) as flight:
            verbs = {"read": self._read, "escalate": self._escalate, "dispatch": lambda: self._dispatch(flight)}
            for _ in range(ROUNDS):
                done = {name: self._try(name, verb, broken) for name, verb in verbs.items() if name not in broken}
                if self.ending or not done.get("dispatch"):
                    break
        self.well = not broken

    def _try(self, name: str, verb: Callable[[], int], broken: set[str]) -> int:
        """One verb of the urgent tick: its failure is counted and logged, and the other verbs go on."""
        try:
            return verb()
        except NotReady:
            self.well = False
            raise
        except Exception as error:  # noqa: BLE001 -- reading, paging and sending must not stop one another
            broken.add(name)
            TICK_ERRORS.labels(name).inc()
            log.error("tick urgent, %s: %s", name, place_of(error))
            return 0

    def _read(self) -> int:
        return read_waiting(self.app.sessions, self.app.clock)

    def _escalate(self) -> int:
        return escalate(self.app.sessions, self.app.clock, public_url=self.public_url)

    def _dispatch(self, flight: Flight) -> int:
        return dispatch(self.app.sessions, self.app.gateway, self.app.clock, worker=self.worker, flight=flight)

    def chase(self) -> None:
        sessions, clock = self.app.sessions, self.app.clock
        with Pass("daily work") as each:
            with each("chase"):
                chase(sessions, clock)
            with each("extend plans"):
                extend_plans(sessions, clock)
            with each("digest"):
                digest(sessions, clock, public_url=self.public_url)

    def reconcile(self) -> None:
        reconcile(self.app.sessions, self.app.gateway, self.app.clock)

    def fetch_inbound(self) -> None:
        try:
            fetch_inbound(self.app.sessions, self.app.gateway, self.app.clock)
        except GatewayError as error:
            log.warning("asking the provider for missed texts failed: %s", error)

    def heartbeat(self) -> None:
        with transaction(self.app.sessions) as session:
            for name in ("worker", *(f"{FAILING}{work}" for work in failing_work())):
                note_moment(session, Heartbeat, name, REAL_TIME.now())
        url = self.app.settings.heartbeat_url
        if url and self.well and not failing_work():
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 -- the operator's own address

    def archive(self) -> None:
        sessions, clock, settings = self.app.sessions, self.app.clock, self.app.settings
        archive(sessions, clock, keep=timedelta(days=settings.archive_after_days))
        if settings.delete_after_days is not None:
            forget(sessions, clock, keep=timedelta(days=settings.delete_after_days))

    def everything(self) -> None:
        """All ticks once, in order: for the demo, the built-in phones' clock, and tests."""
        self.urgent()
        self.chase()
        self.reconcile()
        self.urgent()


class Worker:
    """The running scheduler of one process."""

    def __init__(self, app: App) -> None:
        self.ticks = Ticks(app)
        self.app = app
        self._pool = ThreadPoolExecutor(len(SECONDS) + 2)
        self.scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": self._pool},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._one_at_a_time = threading.Lock()
        self._caught_up = False
        self._ended = threading.Event()
        self._clock_watch = threading.Thread(target=self._watch_clock, name="clock", daemon=True)
        self.listener = listener_for(app, self.wake)

    def start(self) -> None:
        # APScheduler would log an exception's words, which may be a patient's; _report names kind and place.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self.scheduler.add_listener(_report, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        # The first urgent tick fetches what came meanwhile.
        first_after = {"fetch_inbound": SECONDS["fetch_inbound"], "chase": AFTER_FETCHING}
        for name, seconds in SECONDS.items():
            tick: Callable[[], None] = self._urgent if name == "urgent" else getattr(self.ticks, name)
            # A wake-up during the urgent tick waits for its end and runs after it: what it announces
            # may have come too late for the tick that was under way.
            instances = 2 if name == "urgent" else 1
            self.scheduler.add_job(
                tick,
                "interval",
                seconds=seconds,
                id=name,
                max_instances=instances,
                next_run_time=REAL_TIME.now() + timedelta(seconds=first_after.get(name, 0)),
            )
        self.scheduler.start()
        self._clock_watch.start()
        self.listener.start()

    def stop(self) -> None:
        """Let what is under way finish, then end."""
        self.ticks.ending = True
        self._ended.set()
        # While APScheduler waits it holds the lock that a tick needs to name its next wake-up: we wait ourselves.
        self.scheduler.shutdown(wait=False)
        self._pool.shutdown(wait=True)
        self.listener.stop()

    def wake(self) -> None:
        """Something arrived or the clock was moved: run the urgent tick now, not at its next turn."""
        if self.scheduler.running:
            with suppress(JobLookupError):  # it has ended since
                self.scheduler.modify_job("urgent", next_run_time=REAL_TIME.now())

    def _watch_clock(self) -> None:
        """APScheduler waits for an hour of the day: when the machine's clock is set back, every tick would wait until
        it is that hour once more."""
        before = _hour_at_start()
        while not self._ended.wait(CLOCK_STEP):
            after = _hour_at_start()
            if abs(after - before) > CLOCK_STEP:
                log.warning("the machine's clock was set by %+.0f s", after - before)
                for name in SECONDS:
                    with suppress(JobLookupError):  # it has ended since
                        self.scheduler.modify_job(name, next_run_time=REAL_TIME.now())
            before = after

    def _catch_up(self) -> None:
        """Who wrote while we were away, STOP perhaps, is heard before anything is sent; but whatever goes wrong with
        it, pages leave. Only a database that is away is waited for."""
        with Pass("fetch inbound") as each, each(0):  # as the tick that comes later, whose success ends the alarm
            self.ticks.fetch_inbound()
        self._caught_up = True

    def _urgent(self) -> None:
        with self._one_at_a_time:
            if not self._caught_up:
                self._catch_up()
            self.ticks.urgent()
        due = next_due(self.app)
        if due is not None:
            wait = max((due - self.app.clock.now()).total_seconds(), SOONEST)
            when = REAL_TIME.now() + timedelta(seconds=wait)
            self.scheduler.add_job(self.wake, "date", run_date=when, id="next due", replace_existing=True)


def _hour_at_start() -> float:
    """What the clock showed when the seconds of `monotonic` began: the same at all times, unless it is set."""
    return REAL_TIME.now().timestamp() - REAL_TIME.monotonic()


def listener_for(app: App, wake: Callable[[], None]) -> Listener:
    """What has a worker woken by what other processes write."""
    kind = NoticeListener if app.engine.dialect.name == "postgresql" else CommitListener
    return kind(app.engine, wake)


def next_due(app: App) -> datetime | None:
    """The next instant at which something must happen."""
    with transaction(app.sessions) as session:
        return queries.next_due(session)


def _report(event: JobExecutionEvent) -> None:
    """APScheduler only logs a failed or missed job; we count it, so that monitoring sees it."""
    TICK_ERRORS.labels(event.job_id).inc()
    what = place_of(event.exception) if event.exception else "missed"
    log.error("tick %s: %s", event.job_id, what)
