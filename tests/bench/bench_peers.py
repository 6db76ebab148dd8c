"""The same faults to APScheduler with stored jobs and to ours: how many texts are lost, and how many doubled.

    python -m tests.bench.bench_peers [--once | --quick]

Texts come due while no process runs; many at one instant; the process is killed while they leave, and started anew;
two processes run on one store. APScheduler runs with its defaults, and once more without a limit to how late a job
may be (`misfire_grace_time=None`). Every process is a real one that sends with the real SDK; the provider, a
stand-in for Twilio, counts what it took. A text whose sender was killed is in doubt: ours asks the provider for it
when the lease has ended, after a minute, and once more 20 s later. Three alternating rounds, added up, which takes
most of an hour; `--once` is one of them, `--quick` one with a fifth of the texts.
"""

from __future__ import annotations

import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from subprocess import Popen
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import select, update

from monitor.bootstrap import build
from monitor.clock import SystemClock
from monitor.db import connect, transaction
from monitor.domain.delivery import State
from monitor.domain.sending import Kind
from monitor.models import Message
from tests.bench.bench_dispatch import ACCOUNT, SENDER, TOKEN, Place
from tests.bench.engines import both_engines
from tests.bench.morning import STRIDE, fill, number_of
from tests.bench.stored_jobs import count_jobs, store_jobs
from tests.postgres import Databases
from tests.running import ROOT, Installation
from tests.twilio_standin import Standin

ROUNDS = 3
NOWHERE = "http://127.0.0.1:9"  # no callbacks
LEAD = 20.0  # seconds until the first text is due; planning and starting must have ended by then
DOWN = 5.0  # seconds without a process
STRUCK = 1.0  # seconds from the first text until the process is killed, if half of them have not left before
PATIENCE = 180.0  # seconds until what has not been sent is lost
LAST_ONES = 5.0  # seconds without a text after which none is under way
UNDER_WAY = (State.SENDING, State.UNKNOWN)


@dataclass(frozen=True)
class Fault:
    """What happens to the sender."""

    name: str
    due: int
    down: bool = False  # the texts come due while nothing runs
    killed: bool = False
    processes: int = 1


@dataclass
class Found:
    """What the provider took, added up over the rounds, and the seconds that each took to take it all."""

    due: int = 0
    once: int = 0
    lost: int = 0
    doubled: int = 0
    took: list[float] = field(default_factory=list)


class Sender(ABC):
    """One way to send texts when they are due, on one database."""

    def __init__(self, place: Place) -> None:
        self.place = place

    @abstractmethod
    def plan(self, due: Mapping[str, datetime]) -> None: ...

    @abstractmethod
    def start(self) -> Popen[Any]: ...

    @abstractmethod
    def has_work(self) -> bool:
        """Whether a text is due, or may be under way."""


class Ours(Sender):
    """`monitor worker` on so many patients, of whom each has one text due and the rest of the year planned."""

    def plan(self, due: Mapping[str, datetime]) -> None:
        fill(self.place.settings, len(due))
        self.app = build(self.place.settings)
        self.last = max(due.values())
        with transaction(self.app.sessions) as session:
            planned = select(Message.id).where(Message.kind == Kind.CHECKIN, Message.state == State.PLANNED)
            first = session.scalars(planned.order_by(Message.due_at, Message.id).limit(1)).one()
            for patient, at in enumerate(due.values()):
                mine = Message.id == first % STRIDE + patient * STRIDE
                session.execute(update(Message).where(mine).values(due_at=at))

    def start(self) -> Popen[Any]:
        settings = {
            "MONITOR_SMS": "twilio",
            "MONITOR_PUBLIC_URL": NOWHERE,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FROM_NUMBER": SENDER,
            "TWILIO_BASE_URL": self.place.provider,
        }
        database = {"MONITOR_DATABASE_URL": self.place.database} if self.place.database else {}
        installed = Installation(self.place.home, settings | database)
        installed.spawn("worker")
        assert installed.process is not None
        return installed.process

    def has_work(self) -> bool:
        due = (Message.state == State.PLANNED) & (Message.due_at <= self.last)
        with transaction(self.app.sessions) as session:
            return session.scalar(select(Message.id).where(due | Message.state.in_(UNDER_WAY)).limit(1)) is not None


class Stored(Sender):
    """APScheduler with one stored job a text."""

    defaults: Mapping[str, Any] = {}

    def plan(self, due: Mapping[str, datetime]) -> None:
        self.place.home.mkdir()
        engine = connect(self.place.settings.database_url)  # a SQLite file as ours, which lets readers read on
        engine.connect().close()
        self.url = engine.url.render_as_string(hide_password=False)
        engine.dispose()
        store_jobs(self.url, self.place.provider, due, **self.defaults)

    def start(self) -> Popen[Any]:
        with (self.place.home.parent / "run.log").open("a") as log:
            command = [sys.executable, "-m", "tests.bench.stored_jobs", self.url]
            return Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def has_work(self) -> bool:
        return count_jobs(self.url) > 0


class StoredForEver(Stored):
    """The same, however late a job is."""

    defaults: Mapping[str, Any] = {"misfire_grace_time": None}


SENDERS: dict[str, type[Sender]] = {
    "implant-monitor": Ours,
    "APScheduler": Stored,
    "APScheduler, any lateness": StoredForEver,
}


def faults(share: int = 1) -> list[Fault]:
    """All of them, with so small a share of the texts."""
    return [
        Fault(f"{DOWN:.0f} s of downtime", 200 // share, down=True),
        Fault("due at one instant", 500 // share),
        Fault("kill -9, started anew", 500 // share, killed=True),
        Fault("two processes", 500 // share, processes=2),
    ]


def play(fault: Fault, sender: Sender, standin: Standin, found: Found, lead: float) -> bool:
    """One fault, and what the provider took. False if this machine was too slow to be ready in time."""
    begin = SystemClock().now() + timedelta(seconds=lead)
    apart = timedelta(seconds=DOWN / fault.due if fault.down else 0)
    due = {number_of(n): begin + n * apart for n in range(fault.due)}
    sender.plan(due)
    running: list[Popen[Any]] = []
    try:
        if fault.down:
            _wait_until(begin + timedelta(seconds=DOWN))
        running += [sender.start() for _ in range(fault.processes)]
        if not fault.down and not _are_ready(sender, len(running), begin):
            return False
        if fault.killed:
            _strike(running.pop(), standin, begin, fault.due)
            running.append(sender.start())
        _wait_until(max(due.values()))
        _finish(sender, standin)
    finally:
        for process in running:
            process.kill()
            process.wait()
    _count(standin, due, begin + timedelta(seconds=DOWN) if fault.down else begin, found)
    return True


def _are_ready(sender: Sender, processes: int, begin: datetime) -> bool:
    """Each says that it runs, in the log that they share, before the first text is due."""
    log = sender.place.home.parent / "run.log"
    while SystemClock().now() < begin:
        if log.read_text().count("running") >= processes:
            return True
        time.sleep(0.1)
    return False


def _count(standin: Standin, due: Mapping[str, datetime], begin: datetime, found: Found) -> None:
    sent = Counter(message.to for message in standin.messages)
    found.due += len(due)
    found.once += sum(n == 1 for n in sent.values())
    found.lost += sum(number not in sent for number in due)
    found.doubled += sum(n > 1 for n in sent.values())
    if standin.messages:
        found.took.append((standin.messages[-1].created_at - begin).total_seconds())


def _strike(process: Popen[Any], standin: Standin, begin: datetime, due: int) -> None:
    """Kill it while texts leave."""
    _wait_until(begin)
    end = begin + timedelta(seconds=DOWN)
    while not standin.messages and SystemClock().now() < end:
        time.sleep(0.01)
    end = SystemClock().now() + timedelta(seconds=STRUCK)
    while len(standin.messages) < due / 2 and SystemClock().now() < end:
        time.sleep(0.01)
    process.kill()
    process.wait()


def _finish(sender: Sender, standin: Standin) -> None:
    """Until nothing is left to be done and nothing more arrives: a job that is handed to a thread is stored no more."""
    end = time.monotonic() + PATIENCE
    quiet_since, taken = time.monotonic(), len(standin.messages)
    while time.monotonic() < min(end, quiet_since + LAST_ONES):
        time.sleep(0.5)
        if sender.has_work() or len(standin.messages) > taken:
            quiet_since, taken = time.monotonic(), len(standin.messages)


def _wait_until(instant: datetime) -> None:
    time.sleep(max(0.0, (instant - SystemClock().now()).total_seconds()))


def measure(engines: dict[str, Databases | None], rounds: int, share: int) -> dict[tuple[Fault, str, str], Found]:
    """Each fault to each sender on each engine, round after round."""
    found = {(fault, sender, engine): Found() for fault in faults(share) for sender in SENDERS for engine in engines}
    turns = [key for _ in range(rounds) for key in found]
    for fault, sender, engine in track(turns, description=f"{rounds} rounds"):
        lead = LEAD
        while not _play_anew(fault, SENDERS[sender], engines[engine], found[fault, sender, engine], lead):
            lead *= 2
    return found


def _play_anew(fault: Fault, kind: type[Sender], databases: Databases | None, found: Found, lead: float) -> bool:
    """With an empty database and a provider that has taken nothing."""
    with ExitStack() as opened:
        standin = Standin(account_sid=ACCOUNT, auth_token=TOKEN, numbers=(SENDER,), public_url=NOWHERE)
        opened.enter_context(standin).mute()
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="monitor-bench-")))
        database = opened.enter_context(databases.new()) if databases else None
        place = Place(folder / "home", database, standin.url, fault.due)
        return play(fault, kind(place), standin, found, lead)


def main() -> None:
    """Print the table."""
    quick, once = "--quick" in sys.argv[1:], "--once" in sys.argv[1:]
    console = Console()
    with both_engines(console) as engines:
        found = measure(engines, 1 if quick or once else ROUNDS, 5 if quick else 1)
    table = Table("fault", "sender", "database", "due", "sent once", "lost", "doubled", "s until the last")
    for (fault, sender, engine), it in found.items():
        counts = map(str, (it.due, it.once, it.lost, it.doubled))
        table.add_row(fault.name, sender, engine, *counts, f"{median(it.took):.1f}" if it.took else "never")
    console.print(table)


if __name__ == "__main__":
    main()
