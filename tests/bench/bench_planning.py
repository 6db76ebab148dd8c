"""How many texts a second are planned when many patients are enrolled at once, beside what it could be at most.

    python -m tests.bench.bench_planning [--quick]

Beside ours, in the same run: a bare bulk insert of the very same rows by SQLAlchemy Core, which checks and plans
nothing; and APScheduler, to whose running scheduler one stored job a text is added. Each round is a process of its
own on a database of its own; three alternating rounds, medians. PostgreSQL waits for its disk, as a real one does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table as Grid
from sqlalchemy import Connection, Table, delete, func, insert, select

from monitor.bootstrap import prepare
from monitor.clock import SystemClock
from monitor.db import connect, open_sessions, transaction
from monitor.models import CheckIn, Episode, Event, Message, Patient
from monitor.services.enrol import Enrolment, enrol_all
from monitor.services.init import initialise
from tests.bench.bench_dispatch import ROUNDS, Place, new_place, play
from tests.bench.engines import both_engines
from tests.bench.slow_provider import Provider
from tests.postgres import Databases

EPISODES, QUICK_EPISODES = 100_000, 4_000
JOBS = 300  # of APScheduler's: enough for its rate
LOT = 500  # patients of whose rows the bare insert makes one transaction
SHIFT = 10_000_000  # between the ids of one copy of the rows and those of the next
TABLES: tuple[Table, ...] = tuple(m.__table__ for m in (Patient, Episode, CheckIn, Message, Event))  # type: ignore[misc]
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
STITCHES = ("none", "dissolving", "removable")


# --- what is measured ------------------------------------------------------------------------------


def ours(place: Place) -> float:
    """Texts planned a second: checked, planned and committed, batch after batch."""
    engine = _prepare(place)
    sessions, today = open_sessions(engine), SystemClock().now().date()
    _enrol(sessions, [_patient(0, today)])  # the parsed protocol, a first connection
    given = [_patient(number, today) for number in range(1, place.texts + 1)]
    started = time.perf_counter()
    _enrol(sessions, given)
    took = time.perf_counter() - started
    with transaction(sessions) as session:
        enrolled = session.scalar(select(func.count()).select_from(Episode))
        texts = session.scalar(select(func.count()).select_from(Message)) or 0
    assert enrolled == place.texts + 1, enrolled
    engine.dispose()
    return texts / took


def bare(place: Place) -> float:
    """The same rows, as one batch of ours left them, inserted by Core again and again under other ids."""
    engine = _prepare(place)
    today = SystemClock().now().date()
    _enrol(open_sessions(engine), [_patient(number, today) for number in range(LOT)])
    with engine.begin() as connection:
        rows = {table.name: [dict(row) for row in connection.execute(select(table)).mappings()] for table in TABLES}
        for table in reversed(TABLES):
            connection.execute(delete(table))
    texts, took = 0, 0.0
    for turn in range(-(-place.texts // LOT)):
        moved = {name: [_moved(row, turn) for row in kept] for name, kept in rows.items()}
        started = time.perf_counter()
        with engine.begin() as connection:
            _insert(connection, moved)
        took += time.perf_counter() - started
        texts += len(moved["messages"])
    engine.dispose()
    return texts / took


def apscheduler(place: Place) -> float:
    """Jobs added a second, each to be run once, far ahead."""
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    place.home.mkdir(exist_ok=True)
    engine = connect(place.settings.database_url)
    scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(engine=engine)}, timezone="UTC")
    scheduler.start()
    due = SystemClock().now() + timedelta(days=30)
    scheduler.add_job(sorted, "date", run_date=due, args=((0,),))
    started = time.perf_counter()
    for number in range(JOBS):
        scheduler.add_job(sorted, "date", run_date=due + timedelta(seconds=number), args=((number,),))
    took = time.perf_counter() - started
    scheduler.shutdown()
    engine.dispose()
    return JOBS / took


KINDS = {"implant-monitor": ours, "bare Core insert": bare, "APScheduler": apscheduler}


# --- the rows --------------------------------------------------------------------------------------


def _prepare(place: Place) -> Any:
    engine = prepare(place.settings)
    with transaction(open_sessions(engine)) as session:
        initialise(session, {"name": "Smile Dental", "timezone": ZONES[0]}, now=SystemClock().now())
    return engine


def _patient(number: int, today: date) -> Enrolment:
    """One of a mixed lot: several zones, dates of a month, every kind of stitches; each has a phone alone."""
    chance = Random(number)
    return Enrolment(
        name=f"Patient {number}",
        phone=f"+1212{2_000_000 + number:07d}",
        surgery_on=today - timedelta(days=chance.randrange(-10, 20)),
        consent="signed form",
        timezone=chance.choice(ZONES),
        chart=str(number),
        jaw=chance.choice(("upper", "lower", None)),
        two_stage=chance.random() < 0.3,
        stitches=chance.choice(STITCHES),
        flap=chance.random() < 0.3,
        risks=("smoking",) if chance.random() < 0.2 else (),
    )


def _enrol(sessions: Any, given: Sequence[Enrolment]) -> None:
    for each, found in enrol_all(sessions, given, SystemClock()):
        assert isinstance(found, Episode), (each, found)


def _insert(connection: Connection, rows: dict[str, list[dict[str, Any]]]) -> None:
    for table in TABLES:
        connection.execute(insert(table), rows[table.name])


def _moved(row: dict[str, Any], turn: int) -> dict[str, Any]:
    """The row as another lot of patients has it."""
    ids = ("id", "patient_id", "episode_id", "checkin_id")
    moved = {name: row[name] + turn * SHIFT for name in ids if row.get(name) is not None}
    return row | moved | ({"once": f"{row['once']}:{turn}"} if "once" in row else {})


# --- the rounds ------------------------------------------------------------------------------------


def measure(engines: dict[str, Databases | None], rounds: int, episodes: int) -> dict[tuple[str, str], list[float]]:
    """Texts a second of each engine and kind, round after round."""
    found: dict[tuple[str, str], list[float]] = {(engine, kind): [] for engine in engines for kind in KINDS}
    turns = [key for _ in range(rounds) for key in found]
    for engine, kind in track(turns, description=f"{episodes} episodes, {rounds} rounds"):
        with new_place(Provider(""), engines[engine], episodes) as place:
            found[engine, kind].append(play(KINDS[kind], place))
    return found


def main() -> None:
    """Print the table."""
    quick = "--quick" in sys.argv[1:]
    episodes = QUICK_EPISODES if quick else EPISODES
    console = Console()
    with both_engines(console) as engines:
        found = measure(engines, 1 if quick else ROUNDS, episodes)
    grid = Grid("database", "planner", "texts/s (median)", "lowest", "highest", "ours to it")
    for (engine, kind), rates in found.items():
        ratio = median(found[engine, "implant-monitor"]) / median(rates)
        grid.add_row(
            engine, kind, *(f"{rate:,.0f}" for rate in (median(rates), min(rates), max(rates))), f"{ratio:.2f}"
        )
    console.print(grid)
    console.print(
        "a text comes with its share of the rows of patients, episodes, check-ins and events, in both inserts"
    )


if __name__ == "__main__":
    main()
