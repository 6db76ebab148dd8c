"""How many texts a second one worker process claims, sends and records, beside what it could be at most.

    python -m tests.bench.bench_dispatch [--quick]

The provider is a local server that answers after 50 ms. Beside ours, in the same run: the Twilio SDK alone, which
only sends, with as many texts in flight; and APScheduler with one stored job a text. Both engines wait for the disk,
as they do for a clinic. Each round is a process of its own on a database of its own; three alternating rounds, medians.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.progress import track
from rich.table import Table

from monitor.bootstrap import build
from monitor.config import Settings, SmsKind
from monitor.db import connect
from monitor.scheduler import Ticks
from monitor.services import dispatch
from tests.bench.engines import both_engines
from tests.bench.morning import fill, number_of, play_morning
from tests.bench.slow_provider import Provider, slow_provider
from tests.postgres import Databases

ROUNDS = 3
TEXTS, QUICK_TEXTS = 3000, 400
THREADS = 32  # of APScheduler's executor; the synchronous SDK gets no faster with more
SETTLES = 120.0  # seconds
ACCOUNT, TOKEN, SENDER, BODY = "AC" + "1" * 32, "token", "+15550100001", "How bad is the pain, from 0 to 10?"


@dataclass(frozen=True)
class Place:
    """Where a round is played: a home of its own, its database (None is SQLite in the home), and the provider."""

    home: Path
    database: str | None
    provider: str
    texts: int

    @property
    def settings(self) -> Settings:
        return Settings.model_construct(
            home=self.home,
            database=self.database,
            sms=SmsKind.TWILIO,
            account_sid=ACCOUNT,
            auth_token=SecretStr(TOKEN),
            from_number=SENDER,
            twilio_base_url=self.provider,
        )


# --- what is measured ------------------------------------------------------------------------------


def ours(place: Place) -> float:
    """Texts a second from the first claim until the last outcome is recorded."""
    fill(place.settings, place.texts + 1)
    return play_morning(Ticks(build(place.settings)), place.texts)


def sdk_alone(place: Place) -> float:
    """The same number of texts through the SDK's asynchronous client, with as many in flight as we have."""
    return asyncio.run(_sdk_alone(place))


def apscheduler(place: Place) -> float:
    """One stored job a text, from the moment the scheduler may run them until the last one has been answered."""
    from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    place.home.mkdir(exist_ok=True)
    store = SQLAlchemyJobStore(engine=connect(place.settings.database_url))
    scheduler = BackgroundScheduler(
        jobstores={"default": store},
        executors={"default": ThreadPoolExecutor(THREADS)},
        job_defaults={"misfire_grace_time": None},
        timezone="UTC",
    )
    ended, over = [0], threading.Event()

    def count(_: object) -> None:
        ended[0] += 1
        if ended[0] == place.texts:
            over.set()

    scheduler.add_listener(count, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    send_by_sdk(place.provider, number_of(0))
    for number in range(place.texts):
        scheduler.add_job(send_by_sdk, "date", args=(place.provider, number_of(number)))
    scheduler.start(paused=True)
    started = time.perf_counter()
    scheduler.resume()
    assert over.wait(SETTLES), ended
    took = time.perf_counter() - started
    scheduler.shutdown()
    return place.texts / took


KINDS = {"implant-monitor": ours, "Twilio SDK alone": sdk_alone, "APScheduler": apscheduler}


# --- the peers -------------------------------------------------------------------------------------


async def _sdk_alone(place: Place) -> float:
    from aiohttp import ClientSession, TCPConnector
    from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]
    from twilio.rest import Client  # type: ignore[import-untyped]

    class Here(AsyncTwilioHttpClient):  # type: ignore[misc]
        async def request(self, method: str, url: str, **more: Any) -> Any:
            return await super().request(method, url.replace("https://api.twilio.com", place.provider), **more)

    http = Here(pool_connections=False)
    in_flight = asyncio.Semaphore(dispatch.AT_ONCE)
    async with ClientSession(connector=TCPConnector(limit=dispatch.AT_ONCE)) as session:
        http.session = session
        client = Client(ACCOUNT, TOKEN, http_client=http)

        async def send(number: int) -> None:
            async with in_flight:
                await client.messages.create_async(to=number_of(number), from_=SENDER, body=BODY)

        await asyncio.gather(*map(send, range(dispatch.AT_ONCE)))  # connections are made once
        started = time.perf_counter()
        await asyncio.gather(*map(send, range(place.texts)))
        return place.texts / (time.perf_counter() - started)


_clients: dict[str, Any] = {}


def send_by_sdk(provider: str, number: str) -> None:
    """A stored job: one text by the synchronous SDK."""
    if provider not in _clients:
        _clients[provider] = _synchronous(provider)
    _clients[provider].messages.create(to=number, from_=SENDER, body=BODY)


def _synchronous(provider: str) -> Any:
    from requests import Session
    from requests.adapters import HTTPAdapter
    from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
    from twilio.rest import Client

    class Here(TwilioHttpClient):  # type: ignore[misc]
        def request(self, method: str, url: str, **more: Any) -> Any:
            return super().request(method, url.replace("https://api.twilio.com", provider), **more)

    http = Here()
    http.session = Session()
    http.session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    return Client(ACCOUNT, TOKEN, http_client=http)


# --- the rounds ------------------------------------------------------------------------------------


def play(kind: Callable[[Place], float], place: Place) -> float:
    """One round in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(kind, place).result()


@contextmanager
def new_place(provider: Provider, databases: Databases | None, texts: int) -> Iterator[Place]:
    """An empty home, on SQLite or with a new database on the server."""
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="monitor-bench-"))) / "home"
        database = opened.enter_context(databases.new()) if databases else None
        yield Place(home, database, provider.url, texts)


def measure(engines: dict[str, Databases | None], rounds: int, texts: int) -> dict[tuple[str, str], list[float]]:
    """Texts a second of each engine and kind, round after round."""
    found: dict[tuple[str, str], list[float]] = {(engine, kind): [] for engine in engines for kind in KINDS}
    turns = [key for _ in range(rounds) for key in found]
    with slow_provider() as provider:
        for engine, kind in track(turns, description=f"{texts} texts, {rounds} rounds"):
            with new_place(provider, engines[engine], texts) as place:
                found[engine, kind].append(play(KINDS[kind], place))
            doubled = {number: n for number, n in provider.texts().items() if n > 1}
            assert kind != "implant-monitor" or not doubled, doubled
    return found


def main() -> None:
    """Print the table."""
    quick = "--quick" in sys.argv[1:]
    console = Console()
    with both_engines(console) as engines:
        found = measure(engines, 1 if quick else ROUNDS, QUICK_TEXTS if quick else TEXTS)
    table = Table("database", "sender", "texts/s (median)", "lowest", "highest", "ours to it")
    for (engine, kind), rates in found.items():
        ratio = median(found[engine, "implant-monitor"]) / median(rates)
        table.add_row(
            engine, kind, *(f"{rate:,.0f}" for rate in (median(rates), min(rates), max(rates))), f"{ratio:.2f}"
        )
    console.print(table)
    console.print(f"{dispatch.AT_ONCE} texts in flight; APScheduler with {THREADS} threads")


if __name__ == "__main__":
    main()
