"""How many webhooks a second one web process takes, beside a bare one; and how soon a text is assessed.

    python -m tests.bench.bench_inbound [--quick]

Ours is `monitor web`: signature, save, commit, answer. Beside it, in the same run, `bare_webhook`: the same check, one
insert and one commit a request; and the same without a database, which is what the server can do at all. 32 connections
from a process of its own. Both databases wait for the disk. Each round is a process of its own on a database of its
own; three alternating rounds, medians. Then a worker runs beside `monitor web`, and texts come at a moderate pace.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from pydantic import SecretStr
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import create_engine, func, select, update

from monitor.clock import SystemClock
from monitor.config import Settings, SmsKind
from monitor.db import connect, open_sessions, transaction
from monitor.domain.delivery import State
from monitor.models import Assessment, Callback, Heartbeat, Inbound, Message
from tests.bench import bare_webhook
from tests.bench.engines import both_engines
from tests.bench.morning import STRIDE, fill, number_of
from tests.bench.slow_provider import slow_provider
from tests.bench.webhook_load import (
    ACCOUNT,
    NUMBER,
    PUBLIC_URL,
    TOKEN,
    Answers,
    percentile,
    post_all,
    post_at,
    report_of,
    text_from,
)
from tests.postgres import Databases
from tests.running import ROOT, Installation, free_port, wait_for

ROUNDS = 3
REQUESTS, QUICK_REQUESTS = 2000, 600
WARM_UP = 200
SECONDS, QUICK_SECONDS, PACE = 20, 5, 20  # texts a second, which are read and answered meanwhile
WORKS_AFTER = 3.0  # seconds for a worker's first turns, once it has given a sign of life
LOOK = 0.01  # seconds between two looks at what has been assessed


@dataclass(frozen=True)
class Place:
    """Where a round is played: a home of its own and its database (None is SQLite in the home)."""

    home: Path
    database: str | None
    requests: int
    provider: str = "http://127.0.0.1:9"

    @property
    def settings(self) -> Settings:
        return Settings.model_construct(
            home=self.home,
            database=self.database,
            sms=SmsKind.TWILIO,
            account_sid=ACCOUNT,
            auth_token=SecretStr(TOKEN),
            from_number=NUMBER,
            public_url=PUBLIC_URL,
            twilio_base_url=self.provider,
        )

    @property
    def installation(self) -> Installation:
        environment = {
            "MONITOR_DATABASE_URL": self.settings.database_url,
            "MONITOR_SMS": "twilio",
            "MONITOR_PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FROM_NUMBER": NUMBER,
            "TWILIO_BASE_URL": self.provider,
        }
        return Installation(self.home, environment)


# --- who answers -----------------------------------------------------------------------------------


@contextmanager
def ours(place: Place) -> Iterator[int]:
    """`monitor web` on a set-up database: its port."""
    with running(place.installation, "web") as installation:
        yield installation.port


@contextmanager
def running(installation: Installation, command: str) -> Iterator[Installation]:
    options = ("--port", str(installation.port)) if command == "web" else ()
    installation.spawn(command, *options)
    try:
        if command == "web":
            wait_for("the web process", partial(listens, installation.port))
        yield installation
    finally:
        installation.close()


@contextmanager
def bare(place: Place) -> Iterator[int]:
    with _bare(place.settings.database_url) as port:
        yield port


@contextmanager
def nothing_kept(_: Place) -> Iterator[int]:
    with _bare() as port:
        yield port


@contextmanager
def _bare(*database: str) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", bare_webhook.__name__, str(port), *database]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_for("the bare process", partial(listens, port))
            yield port
        finally:
            process.kill()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


ANSWERERS = {"ours": ours, "bare FastAPI": bare, "nothing kept": nothing_kept}


# --- what is asked ---------------------------------------------------------------------------------


def texts(place: Place) -> list[bytes]:
    return [text_from(number_of(number), f"SM{number:032x}") for number in range(WARM_UP + place.requests)]


def reports(place: Place) -> list[bytes]:
    """Two for every text: it left, it arrived."""
    count = (WARM_UP + place.requests) // 2
    with transaction(open_sessions(connect(place.settings.database_url))) as session:
        first = session.scalars(select(func.min(Message.id)).where(Message.kind == "checkin")).one()
        now = SystemClock().now()
        sent = {"state": State.SENT, "attempts": 1, "claimed_at": now, "sent_at": now}
        session.execute(
            update(Message), [{"id": first + n * STRIDE, "sid": f"SM{n:032x}", **sent} for n in range(count)]
        )
    about = ((first + n * STRIDE, number_of(n), f"SM{n:032x}") for n in range(count))
    return [report_of(*text, status) for text in about for status in ("sent", "delivered")]


KINDS: dict[str, tuple[Callable[[Place], list[bytes]], type[Inbound | Callback]]] = {
    "texts": (texts, Inbound),
    "callbacks": (reports, Callback),
}


# --- what is measured ------------------------------------------------------------------------------


def throughput(place: Place, kind: str, answerer: str) -> Answers:
    make, table = KINDS[kind]
    fill(place.settings, 2 if table is Inbound else (WARM_UP + place.requests) // 2)
    requests = make(place)
    with ANSWERERS[answerer](place) as port, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        answers = pool.submit(post_all, port, requests[:WARM_UP], requests[WARM_UP:]).result()
    if ANSWERERS[answerer] is ours:
        with transaction(open_sessions(connect(place.settings.database_url))) as session:
            kept = session.scalar(select(func.count()).select_from(table))
        assert kept == len(requests), f"{kept} of {len(requests)} were kept"
    return answers


def until_assessed(place: Place) -> Sequence[float]:
    """Seconds from each text's request until its assessment is there to be read."""
    fill(place.settings, place.requests)
    with running(place.installation, "web") as web, running(place.installation, "worker"):
        wait_for("the worker", partial(has_worked, place))
        time.sleep(WORKS_AFTER)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(_until_assessed, place, web.port).result()


def has_worked(place: Place) -> bool:
    engine = create_engine(place.settings.database_url)
    try:
        with engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(Heartbeat)) == 1
    finally:
        engine.dispose()


def _until_assessed(place: Place, port: int) -> Sequence[float]:
    sids = [f"SM{number:032x}" for number in range(place.requests)]
    requests = [text_from(number_of(number), sid) for number, sid in enumerate(sids)]
    seen: dict[str, float] = {}
    watching = threading.Thread(target=_watch, args=(place.settings.database_url, seen, len(sids)))
    watching.start()
    asked = asyncio.run(post_at(port, requests, a_second=PACE))
    watching.join()
    assert seen.keys() == set(sids), f"{len(seen)} of {len(sids)} were assessed"
    return [seen[sid] - at for sid, at in zip(sids, asked, strict=True)]


def _watch(database_url: str, seen: dict[str, float], count: int) -> None:
    """Note when each text's assessment shows, for a minute at most after the last one."""
    engine = create_engine(database_url)  # which only reads, and so takes no lock on SQLite
    assessed = select(Inbound.sid).join(Assessment, Assessment.inbound_id == Inbound.id)
    last = time.perf_counter()
    while len(seen) < count and time.perf_counter() < last + 60:
        with engine.connect() as connection:
            found = [sid for sid in connection.scalars(assessed) if sid not in seen]
        if found:
            last = time.perf_counter()
            seen.update(dict.fromkeys(found, last))
        time.sleep(LOOK)


# --- the rounds ------------------------------------------------------------------------------------


@contextmanager
def new_place(databases: Databases | None, requests: int, provider: str = "http://127.0.0.1:9") -> Iterator[Place]:
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="monitor-bench-"))) / "home"
        database = opened.enter_context(databases.new()) if databases else None
        yield Place(home, database, requests, provider)


Key = tuple[str, str, str]


def measure(engines: dict[str, Databases | None], rounds: int, requests: int) -> dict[Key, list[Answers]]:
    found: dict[Key, list[Answers]] = {
        (engine, kind, who): [] for engine in engines for kind in KINDS for who in ANSWERERS
    }
    turns = [key for _ in range(rounds) for key in found]
    for engine, kind, who in track(turns, description=f"{requests} requests, {rounds} rounds"):
        with new_place(engines[engine], requests) as place:
            found[engine, kind, who].append(throughput(place, kind, who))
    return found


def show(console: Console, found: dict[Key, list[Answers]]) -> None:
    table = Table("database", "webhook", "by", "requests/s", "p50 ms", "p99 ms", "ours to it: rate", "p99")
    for (engine, kind, who), answers in found.items():
        mine = found[engine, kind, "ours"]
        rate, worst = _middle(answers, "rate"), _middle(answers, "worst")
        cells = f"{rate:,.0f}", f"{_middle(answers, 'middle') * 1000:.0f}", f"{worst * 1000:.0f}"
        ratios = f"{_middle(mine, 'rate') / rate:.2f}", f"{_middle(mine, 'worst') / worst:.2f}"
        table.add_row(engine, kind, who, *cells, *ratios)
    console.print(table)


def _middle(answers: Sequence[Answers], what: str) -> float:
    figures: list[float] = [getattr(each, what) for each in answers]
    return median(figures)


def main() -> None:
    """Print the tables."""
    quick = "--quick" in sys.argv[1:]
    console = Console()
    with both_engines(console) as engines, slow_provider() as provider:
        show(console, measure(engines, 1 if quick else ROUNDS, QUICK_REQUESTS if quick else REQUESTS))
        table = Table("database", "text to assessment: p50 ms", "p99 ms", title=f"{PACE} texts/s, a worker beside")
        count = PACE * (QUICK_SECONDS if quick else SECONDS)
        for engine in track(engines, description=f"{count} texts are read"):
            with new_place(engines[engine], count, provider.url) as place:
                took = until_assessed(place)
            table.add_row(engine, f"{median(took) * 1000:.0f}", f"{percentile(took) * 1000:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
