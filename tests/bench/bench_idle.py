"""What a worker costs that has nothing to do, and how soon it does what comes.

    python -m tests.bench.bench_idle [--once | --quick]

`monitor worker` and `monitor run` on both engines, one process at a time, the whole year of a hundred patients
planned: its share of a core and its memory over a minute in which nothing is due; then the time from the instant at
which a text is due, and from the commit of a page that another process writes, until the provider has the request.
Three alternating rounds; medians of the first, percentiles over all rounds of the second. They take half an hour;
`--once` is one of them with as many texts, `--quick` a shorter look.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import select, update

from monitor.bootstrap import App, build
from monitor.clock import SystemClock
from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.domain.sending import Kind
from monitor.models import Message
from monitor.services.clinic import the_clinic
from monitor.services.outbox import queue_to_number
from tests.bench.bench_dispatch import Place
from tests.bench.engines import both_engines
from tests.bench.morning import STRIDE, fill
from tests.postgres import Databases
from tests.running import Installation, free_port, wait_for
from tests.twilio_standin import Standin
from tests.twilio_standin.standin import ACCOUNT_SID, AUTH_TOKEN, NUMBER

ROLES = ("worker", "run")
NURSE = "+12025550171"
SETTLES = 25.0  # seconds until each tick has run once
BETWEEN = 0.5  # seconds between two texts or pages, about


@dataclass(frozen=True)
class Size:
    """How long a round looks at an idle process, and how much it is then given to do."""

    rounds: int
    idle: float  # seconds
    texts: int
    pages: int


FULL, ONCE, QUICK = Size(3, 60.0, 35, 20), Size(1, 60.0, 100, 30), Size(1, 15.0, 10, 10)


@dataclass
class Found:
    """Of one role on one engine."""

    cores: list[float] = field(default_factory=list)  # shares of one
    rss: list[float] = field(default_factory=list)  # MB
    pss: list[float] = field(default_factory=list)
    due: list[float] = field(default_factory=list)  # seconds from due to handed over
    page: list[float] = field(default_factory=list)  # seconds from commit to handed over


def watch(role: str, place: Place, standin: Standin, size: Size, found: Found) -> None:
    """One round: a process of its own, idle, then with texts that come due, then with pages."""
    now, chance = SystemClock().now(), random.Random()
    app = build(place.settings)
    first = now + timedelta(seconds=SETTLES + size.idle + 2)
    due = _scatter(app, first, size.texts, chance)
    with _process(role, place) as process:
        wait_for("its first question to the provider", lambda: standin.requests)
        time.sleep(max(0.0, (now - SystemClock().now()).total_seconds() + SETTLES))
        _look(process, size.idle, found)
        found.due += [(_arrival(standin, number) - at).total_seconds() for number, at in due.items()]
        found.page += [_page(app, standin, once, chance) for once in range(size.pages)]
    app.engine.dispose()


def _scatter(app: App, first: datetime, texts: int, chance: random.Random) -> dict[str, datetime]:
    """The first check-in of so many patients is due at some instant of its own; whose, and when."""
    due: dict[str, datetime] = {}
    with transaction(app.sessions) as session:
        planned = select(Message).where(Message.kind == Kind.CHECKIN, Message.state == State.PLANNED)
        one = session.scalars(planned.order_by(Message.due_at, Message.id).limit(1)).one()
        of_each = select(Message).where(Message.id % STRIDE == one.id % STRIDE).order_by(Message.id)
        for message in session.scalars(of_each).all()[:texts]:
            at = first + timedelta(seconds=chance.uniform(0, texts * BETWEEN))
            session.execute(update(Message).where(Message.id == message.id).values(due_at=at))
            due[message.to_number] = at
    return due


def _arrival(standin: Standin, number: str) -> datetime:
    return wait_for("a text", lambda: standin.sent_to(number))[0].created_at


def _page(app: App, standin: Standin, once: int, chance: random.Random) -> float:
    """Seconds until the page that this process writes has left the other."""
    time.sleep(chance.uniform(0, 2 * BETWEEN))
    with transaction(app.sessions) as session:
        now, body = app.clock.now(), f"page {once}"
        queue_to_number(session, the_clinic(session), NURSE, body, once=f"p:{once}", kind=Kind.PAGE, now=now)
    written = SystemClock().now()
    paged = wait_for("a page", lambda: [m for m in standin.sent_to(NURSE) if m.body == body])
    return (paged[0].created_at - written).total_seconds()


def _look(process: psutil.Process, seconds: float, found: Found) -> None:
    before, start = process.cpu_times(), time.monotonic()
    time.sleep(seconds)
    after, took = process.cpu_times(), time.monotonic() - start
    used = process.memory_full_info()
    found.cores.append((after.user + after.system - before.user - before.system) / took)
    found.rss.append(used.rss / 1e6)
    found.pss.append(getattr(used, "pss", used.rss) / 1e6)


@contextmanager
def _process(role: str, place: Place) -> Iterator[psutil.Process]:
    settings = {
        "MONITOR_SMS": "twilio",
        "MONITOR_PUBLIC_URL": NOWHERE,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_FROM_NUMBER": NUMBER,
        "TWILIO_BASE_URL": place.provider,
    }
    database = {"MONITOR_DATABASE_URL": place.database} if place.database else {}
    installed = Installation(place.home, settings | database)
    installed.spawn(role, *(["--port", str(free_port())] if role == "run" else []))
    try:
        assert installed.process is not None
        yield psutil.Process(installed.process.pid)
    finally:
        installed.close()


NOWHERE = "http://127.0.0.1:9"  # callbacks are not what is measured


def measure(engines: dict[str, Databases | None], size: Size) -> dict[tuple[str, str], Found]:
    """Each role on each engine, round after round."""
    found = {(engine, role): Found() for engine in engines for role in ROLES}
    turns = [key for _ in range(size.rounds) for key in found]
    for engine, role in track(turns, description=f"{size.idle:.0f} s idle, {size.rounds} rounds"):
        with ExitStack() as opened:
            standin = opened.enter_context(Standin(public_url=NOWHERE))
            standin.mute()
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="monitor-bench-"))
            databases = engines[engine]
            database = opened.enter_context(databases.new()) if databases else None
            place = Place(Path(folder) / "home", database, standin.url, size.texts)
            fill(place.settings, 100)
            watch(role, place, standin, size, found[engine, role])
    return found


def main() -> None:
    """Print the table."""
    size = QUICK if "--quick" in sys.argv[1:] else ONCE if "--once" in sys.argv[1:] else FULL
    console = Console()
    with both_engines(console) as engines:
        found = measure(engines, size)
    table = Table("database", "process", "% of a core", "RSS, PSS in MB", "due → handed over", "page → handed over")
    for (engine, role), it in found.items():
        memory = f"{median(it.rss):.0f}, {median(it.pss):.0f}"
        table.add_row(engine, role, f"{100 * median(it.cores):.2f}", memory, _spread(it.due), _spread(it.page))
    table.add_row("wanted", "worker", "≤ 1", "≤ 120", "p99 ≤ 1 s", "")
    console.print(table)


def _spread(seconds: list[float]) -> str:
    p99 = quantiles(seconds, n=100, method="inclusive")[98]
    return f"p50 {median(seconds):.3f} s, p99 {p99:.3f} s"


if __name__ == "__main__":
    main()
