"""How many texts a second one worker process claims, hands over and records when the provider costs nothing.

    python -m tests.bench.bench_outbox [--quick]

Beside ours, on the same PostgreSQL, which waits for the disk: the bare claim-and-complete SQL on the same rows in
pgbench with one client; and pgqueuer (`pip install -e '.[test,bench]'`), which empties a queue of as many jobs that do
nothing, as its own benchmark does: with five consumers of ten jobs each, and with one that fetches as many as we
do, as its documentation advises for short jobs. Each round is a process of its own on a database of its own; three
alternating rounds, medians.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import make_url, text

from monitor.bootstrap import build
from monitor.db import connect
from monitor.domain.delivery import ProviderStatus
from monitor.scheduler import Ticks
from monitor.services.claim import BATCH
from monitor.sms.gateway import Accepted, Call, Text
from monitor.sms.phones import PhonesGateway
from tests.bench.bench_dispatch import Place, play
from tests.bench.morning import fill, make_due, play_morning
from tests.postgres import Databases, Server, own_server

ROUNDS = 3
TEXTS, QUICK_TEXTS = 6400, 640
NOWHERE = "http://127.0.0.1:9"  # nothing is sent to it
OURS, SQL, PEER, PEER_MORE = "implant-monitor", "pgbench, one client", "pgqueuer, 5 × 10", "pgqueuer, 1 × "
AT_LEAST = {SQL: 0.5, PEER: 1.5, PEER_MORE: 1.5}  # ours to it
CLAIM_AND_COMPLETE = """
    WITH due AS (
        SELECT id FROM messages WHERE state = 'planned' AND due_at <= now()
        ORDER BY priority, due_at, id LIMIT {batch} FOR NO KEY UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE messages SET state = 'sending', worker = 'pgbench', claimed_at = now(), attempts = attempts + 1,
            lease_until = now() + interval '60 s', body = 'How bad is the pain, from 0 to 10?'
        FROM due WHERE messages.id = due.id RETURNING messages.id
    ) SELECT array_agg(id)::text AS ids FROM claimed \\gset
    UPDATE messages SET state = 'sent', worker = NULL, lease_until = NULL, sent_at = now(), sid = md5(id::text)
        WHERE id = ANY((:ids)::int[]);
"""


class TakesAll(PhonesGateway):
    """A provider that takes every text at once and keeps none."""

    sids = count(1)

    def send(self, what: Text | Call) -> Future[Accepted]:
        answer: Future[Accepted] = Future()
        answer.set_result(Accepted(f"SM{next(self.sids):032x}", ProviderStatus.QUEUED))
        return answer


def ours(place: Place) -> float:
    """Texts a second from the first claim until the last outcome is recorded."""
    app = build(place.settings)
    rate = play_morning(Ticks(replace(app, gateway=TakesAll(app.sessions, app.clock))), place.texts)
    handed_over = next(TakesAll.sids) - 1
    assert handed_over == place.texts + 1, f"{handed_over} of {place.texts} were handed over"
    app.engine.dispose()
    return rate


def pgbench(place: Place, *, programs: Path) -> float:
    """Rows a second of the same rows: one statement that claims a batch, and one that completes it."""
    app = build(place.settings)
    make_due(app.sessions)
    url = app.engine.url
    place.home.mkdir()
    script = place.home / "claim.sql"
    script.write_text(CLAIM_AND_COMPLETE.format(batch=BATCH))
    where = ["-h", str(url.query["host"]), "-U", str(url.username), str(url.database)]
    how = ["-n", "-f", str(script), "-c", "1", "-M", "prepared", "-t", str(place.texts // BATCH)]
    done = subprocess.run([programs / "pgbench", *how, *where], capture_output=True, text=True, check=True)
    rate = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert rate, done.stdout
    with app.engine.connect() as connection:
        sent = connection.scalar(text("SELECT count(*) FROM messages WHERE sid IS NOT NULL"))
    assert sent == place.texts // BATCH * BATCH, f"{sent} of {place.texts} were completed"
    app.engine.dispose()
    return float(rate[1]) * BATCH


def pgqueuer(place: Place, *, consumers: int, batch: int) -> float:
    """Jobs a second from the first fetch until the queue is empty."""
    import uvloop

    return uvloop.run(_drain(place, consumers, batch))


async def _drain(place: Place, consumers: int, batch: int) -> float:
    import asyncpg  # type: ignore[import-untyped]
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.models import Job
    from pgqueuer.queries import Queries
    from pgqueuer.types import QueueExecutionMode

    url, done = make_url(place.settings.database_url), count()

    async def driver() -> AsyncpgDriver:
        opened = await asyncpg.connect(host=url.query["host"], user=url.username, database=url.database)
        return AsyncpgDriver(opened)

    async def consume() -> None:
        queue = PgQueuer(await driver())

        @queue.entrypoint("send")
        async def send(job: Job) -> None:
            next(done)

        await queue.run(batch_size=batch, mode=QueueExecutionMode.drain)

    queries = Queries(await driver())
    await queries.install()
    await queries.enqueue(["send"] * place.texts, [b""] * place.texts, [0] * place.texts)
    started = time.perf_counter()
    await asyncio.gather(*(consume() for _ in range(consumers)))
    took = time.perf_counter() - started
    assert next(done) == place.texts
    return place.texts / took


def kinds(server: Server) -> dict[str, Callable[[Place], float]]:
    """What is measured, in turn."""
    return {
        OURS: ours,
        SQL: partial(pgbench, programs=server.programs),
        PEER: partial(pgqueuer, consumers=5, batch=10),
        PEER_MORE: partial(pgqueuer, consumers=1, batch=BATCH),
    }


def measure(server: Server, rounds: int, texts: int) -> dict[str, list[float]]:
    """Texts a second of each kind, round after round; every round begins with a copy of the same morning."""
    databases, played = Databases(server.url), kinds(server)
    found: dict[str, list[float]] = {kind: [] for kind in played}
    with tempfile.TemporaryDirectory(prefix="monitor-bench-") as folder, databases.new() as morning:
        fill(Place(Path(folder) / "home", morning, NOWHERE, texts).settings, texts + 1)
        _settle_down(morning)
        turns = [kind for _ in range(rounds) for kind in played]
        for number, kind in enumerate(track(turns, description=f"{texts} texts, {rounds} rounds")):
            with databases.new(make_url(morning).database or "") as url:
                found[kind].append(play(played[kind], Place(Path(folder) / str(number), url, NOWHERE, texts)))
    return found


def _settle_down(database: str) -> None:
    """What the server would otherwise do to a new table at some time during a round."""
    engine = connect(database)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def main() -> None:
    """Print the table."""
    quick = "--quick" in sys.argv[1:]
    with own_server(durable=True) as server:
        found = measure(server, 1 if quick else ROUNDS, QUICK_TEXTS if quick else TEXTS)
    table = Table("sender", "texts/s (median)", "lowest", "highest", "ours to it", "wanted")
    for kind, rates in found.items():
        name = f"{kind}{BATCH}" if kind == PEER_MORE else kind
        cells = (f"{rate:,.0f}" for rate in (median(rates), min(rates), max(rates)))
        wanted = f"≥ {AT_LEAST[kind]}" if kind in AT_LEAST else ""
        table.add_row(name, *cells, f"{median(found[OURS]) / median(rates):.2f}", wanted)
    Console().print(table)


if __name__ == "__main__":
    main()
