"""How long it takes to find and claim 500 due texts, among few rows and among many.

    python -m tests.bench.bench_claim [--quick] [--rows 10000000]

Three databases on each engine: with ten thousand texts that wait for their day, with ten million, and with as many
more in history. Beside ours, on the same rows: the bare statement with a partial index, which marks rows and asks
nothing. Each round is a process of its own; three alternating rounds, medians. Also what else looks at the waiting
texts all the time: the scheduler for the next instant at which something is due, and /metrics.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import bindparam, select, text, update

from monitor.bootstrap import App, build
from monitor.clock import SystemClock
from monitor.config import Settings, SmsKind
from monitor.db import connect, transaction
from monitor.domain.delivery import State
from monitor.models import Message
from monitor.queries import next_due
from monitor.services.claim import claim
from monitor.web.health import measure
from tests.bench.hoard import FIRST, tidy, write_ended, write_waiting
from tests.bench.morning import STRIDE, fill
from tests.postgres import Databases, NoServer, open_databases

ROUNDS = 3
ROWS, QUICK_ROWS, FEW = 10_000_000, 200_000, 10_000
DUE = 500
LOOKS = 20  # at what is due next, and at /metrics
BARE = (
    "UPDATE messages SET state = 'sending', worker = 'bare', claimed_at = :now WHERE id IN (SELECT id FROM messages "
    "WHERE state = 'planned' AND priority = :rank AND due_at <= :now ORDER BY due_at LIMIT 500{locked}) RETURNING id"
)


# --- what is measured, in milliseconds


def ours(settings: Settings) -> float:
    """Batch by batch as a worker does, with everything that decides whether a text may leave."""
    app = build(settings)

    def take() -> int:
        return len(claim(app.sessions, SystemClock().now(), worker="bench"))

    return _claim_all(app, take)


def bare(settings: Settings) -> float:
    """One statement, in a transaction."""
    app = build(settings)
    statement = text(BARE.format(locked="" if app.engine.dialect.name == "sqlite" else " FOR UPDATE SKIP LOCKED"))
    statement = statement.bindparams(bindparam("now", type_=Message.due_at.type))

    def take() -> int:
        with transaction(app.sessions) as session:
            return len(session.execute(statement, {"now": SystemClock().now(), "rank": rank}).all())

    with transaction(app.sessions) as session:
        rank = session.scalar(select(Message.priority).where(Message.kind == "checkin", Message.id < FIRST).limit(1))
    return _claim_all(app, take)


def next_instant(settings: Settings) -> float:
    """What the scheduler asks after each tick."""
    app = build(settings)

    def look() -> None:
        with transaction(app.sessions) as session:
            next_due(session)

    return _look(look)


def metrics(settings: Settings) -> float:
    """What one scrape asks of the database."""
    app = build(settings)
    return _look(lambda: measure(app))


KINDS = {"claim": ours, "bare statement": bare, "next due": next_instant, "/metrics": metrics}
PEERS = {"claim": "bare statement"}


def _claim_all(app: App, take: Callable[[], int]) -> float:
    """The second time: a worker has long imported everything and made its connection."""
    took = 0.0
    for _ in range(2):
        _make_due(app)
        claimed, started = 0, time.perf_counter()
        while claimed < DUE:
            found = take()
            assert found, f"{claimed} of {DUE} were claimed"
            claimed += found
        took = time.perf_counter() - started
    return took * 1000


def _look(look: Callable[[], object]) -> float:
    times = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        look()
        times.append(time.perf_counter() - started)
    return median(times) * 1000


def _make_due(app: App) -> None:
    """The first check-in of each patient, as if nobody had touched it."""
    now = SystemClock().now()
    with transaction(app.sessions) as session:
        first = select(Message.id).where(Message.kind == "checkin").order_by(Message.id).limit(1)
        these = Message.id % STRIDE == (session.scalar(first) or 0) % STRIDE, Message.id < FIRST
        fresh = {"state": State.PLANNED, "due_at": now, "attempts": 0, "worker": None, "claimed_at": None}
        session.execute(update(Message).where(*these).values(**fresh, body=None, lease_until=None, ended_at=None))


# --- the databases


@contextmanager
def new_home(databases: Databases | None) -> Iterator[Settings]:
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="monitor-bench-"))) / "home"
        database = opened.enter_context(databases.new()) if databases else None
        yield Settings.model_construct(home=home, database=database, sms=SmsKind.PHONES)


def prepare_home(settings: Settings, waiting: int, ended: int) -> None:
    """500 patients whose first check-in can be made due, and so many rows beside them."""
    fill(settings, DUE)
    engine = connect(settings.database_url)
    write_waiting(engine, waiting)
    if ended:
        write_ended(engine, ended)
    tidy(engine)
    engine.dispose()


def play(kind: Callable[[Settings], float], settings: Settings) -> float:
    """One round in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(kind, settings).result()


Found = dict[tuple[str, str], list[float]]  # milliseconds, by kind and size, round after round


def measure_engine(engine: str, databases: Databases | None, rounds: int, rows: int) -> Found:
    """Every kind with each number of rows."""
    sizes = {f"{FEW:,}": (FEW, 0), f"{rows:,}": (rows, 0), f"{rows:,} and history": (rows, rows)}
    found: Found = {(kind, size): [] for kind in KINDS for size in sizes}
    with ExitStack() as opened, Progress(transient=True) as bar:
        task = bar.add_task(f"{engine}: filling, then {rounds} rounds", total=len(sizes) + rounds * len(found))
        homes = {}
        for size, (waiting, ended) in sizes.items():
            homes[size] = opened.enter_context(new_home(databases))
            prepare_home(homes[size], waiting, ended)
            bar.advance(task)
        for kind, size in [key for _ in range(rounds) for key in found]:
            found[kind, size].append(play(KINDS[kind], homes[size]))
            bar.advance(task)
    return found


def show(engine: str, found: Found, console: Console) -> None:
    table = Table("what", "rows waiting", "ms (median)", "lowest", "highest", "to few", "to bare", title=engine)
    for (kind, size), times in found.items():
        to_few = median(times) / median(found[kind, f"{FEW:,}"])
        peer = found.get((PEERS.get(kind, ""), size))
        to_peer = f"{median(times) / median(peer):.1f}" if peer else ""
        shown = (f"{value:,.1f}" for value in (median(times), min(times), max(times)))
        table.add_row(kind, size, *shown, f"{to_few:.2f}", to_peer)
    console.print(table)


def main() -> None:
    """Print a table for each engine."""
    parser = argparse.ArgumentParser(description="Find and claim among few rows and many.")
    parser.add_argument("--quick", action="store_true", help=f"one round, {QUICK_ROWS:,} rows")
    parser.add_argument("--rows", type=int, help="how many wait, and how many are in history")
    given = parser.parse_args()
    rounds, rows = 1 if given.quick else ROUNDS, given.rows or (QUICK_ROWS if given.quick else ROWS)
    console, begun = Console(), SystemClock().now()
    try:
        with open_databases() as databases:
            show("PostgreSQL", measure_engine("PostgreSQL", databases, rounds, rows), console)
    except NoServer as reason:
        console.print(f"no PostgreSQL: {reason}", markup=False)
    show("SQLite", measure_engine("SQLite", None, rounds, rows), console)
    console.print(f"{DUE} texts claimed; it all took {SystemClock().now() - begun}")


if __name__ == "__main__":
    main()
