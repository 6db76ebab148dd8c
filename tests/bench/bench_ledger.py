"""How long a full look at the ledger takes, and how much memory, for few episodes and for many.

    python -m tests.bench.bench_ledger [--quick] [--episodes 100000]

Each look is a process of its own. That the memory does not grow with the rows is what is to be seen.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from monitor.bootstrap import build
from monitor.config import Settings, SmsKind
from monitor.db import connect, reading
from monitor.services.ledger import Ledger, look_through
from monitor.services.seed import parse_ahead
from tests.bench.hoard import copy_patients
from tests.bench.morning import fill
from tests.postgres import Databases, NoServer, open_databases

EPISODES, QUICK_EPISODES = 100_000, 2_000
SHARE = 10  # the smaller database has one such part of the episodes


def look(settings: Settings) -> tuple[int, float, float]:
    """Texts counted, seconds, and megabytes at the most. There is no hole."""
    app, counts = build(settings), Ledger()
    parse_ahead(app.sessions)
    started = time.perf_counter()
    holes = list(look_through(lambda: reading(app.sessions), counts, app.clock.now()))
    took = time.perf_counter() - started
    assert holes == [], holes[:3]
    return sum(counts.texts.values()), took, _peak()


def _peak() -> float:
    """Megabytes; `getrusage` would tell of the process that started this one as well."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1]) / 1e3  # type: ignore[index]


def play(databases: Databases | None, episodes: int) -> tuple[int, float, float]:
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="monitor-bench-"))) / "home"
        database = opened.enter_context(databases.new()) if databases else None
        settings = Settings.model_construct(home=home, database=database, sms=SmsKind.PHONES)
        fill(settings, 2)
        engine = connect(settings.database_url)
        copy_patients(engine, episodes)
        engine.dispose()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(look, settings).result()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="A full look at the ledger.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_EPISODES:,} episodes")
    parser.add_argument("--episodes", type=int, help=f"how many; else {EPISODES:,}")
    given = parser.parse_args()
    episodes = given.episodes or (QUICK_EPISODES if given.quick else EPISODES)
    console, table = Console(), Table("database", "episodes", "texts", "seconds", "texts/s", "MB at most")
    with ExitStack() as opened:
        engines: dict[str, Databases | None] = {"SQLite": None}
        try:
            engines["PostgreSQL"] = opened.enter_context(open_databases())
        except NoServer as reason:
            console.print(f"no PostgreSQL: {reason}", markup=False)
        turns = [(engine, number) for engine in engines for number in (episodes // SHARE, episodes)]
        for engine, number in track(turns, description="full looks", transient=True):
            texts, took, megabytes = play(engines[engine], number)
            table.add_row(
                engine, f"{number:,}", f"{texts:,}", f"{took:.1f}", f"{texts / took:,.0f}", f"{megabytes:.0f}"
            )
    console.print(table)


if __name__ == "__main__":
    main()
