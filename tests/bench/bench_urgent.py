"""How soon an urgent page is taken by the provider while a whole morning of check-ins is due.

    python -m tests.bench.bench_urgent [--quick]

One `monitor worker`, a provider that answers after 50 ms, and 50,000 patients whose first check-in is due at the same
moment. Meanwhile another process writes one page after the other; the time runs from its commit until the provider
has the request. Wanted: 2 seconds at most. On both engines.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import func, select

from monitor.bootstrap import App, build
from monitor.db import transaction
from monitor.domain.sending import Kind
from monitor.models import Message
from monitor.queries import is_due
from monitor.services.clinic import the_clinic
from monitor.services.outbox import queue_to_number
from tests.bench.bench_dispatch import ACCOUNT, SENDER, TOKEN, Place
from tests.bench.hoard import copy_patients
from tests.bench.morning import fill, make_due
from tests.bench.slow_provider import Provider, slow_provider
from tests.postgres import NoServer, Server, own_server
from tests.running import Installation

PATIENTS, QUICK_PATIENTS = 50_000, 5_000
PAGES, QUICK_PAGES = 30, 10
BETWEEN = 1.0  # seconds between two pages
NURSE = "+12025550171"
LOOK = 0.02  # seconds


@dataclass
class Morning:
    """What the provider was sent: how often each number, and the pages."""

    provider: Provider
    seen: Counter[str]

    def wait_for(self, number: str, count: int) -> None:
        while self.seen[number] < count:
            time.sleep(LOOK)
            self.seen += self.provider.texts()


def play(place: Place, provider: Provider, pages: int, tell: Progress) -> tuple[list[float], int, int]:
    """Seconds that each page took; how many check-ins were due when the last one was taken; texts that went twice."""
    fill(place.settings, 2)
    app = build(place.settings)
    copy_patients(app.engine, place.texts)
    make_due(app.sessions)
    morning = Morning(provider, Counter())
    with ExitStack() as opened:
        worker = Installation(place.home, _environment(place))
        opened.callback(worker.close)
        worker.spawn("worker")
        while not morning.seen:  # it has begun
            time.sleep(LOOK)
            morning.seen += provider.texts()
        bar = tell.add_task("pages", total=pages)
        took = []
        for number in range(1, pages + 1):
            time.sleep(BETWEEN)
            written = _write_page(app, number)
            morning.wait_for(NURSE, number)
            took.append(time.perf_counter() - written)
            tell.update(bar, completed=number)
        with transaction(app.sessions) as session:
            left = session.scalar(select(func.count()).select_from(Message).where(is_due(app.clock.now())))
    app.engine.dispose()
    doubled = [number for number, count in morning.seen.items() if count > 1 and number != NURSE]
    return took, left or 0, len(doubled)


def _write_page(app: App, number: int) -> float:
    with transaction(app.sessions) as session:
        now, once = app.clock.now(), f"page:bench:{number}"
        queue_to_number(session, the_clinic(session), NURSE, f"page {number}", once=once, kind=Kind.PAGE, now=now)
    return time.perf_counter()


def _environment(place: Place) -> dict[str, str]:
    given = {
        "MONITOR_SMS": "twilio",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_FROM_NUMBER": SENDER,
        "TWILIO_BASE_URL": place.provider,
    }
    return given | ({"MONITOR_DATABASE_URL": place.database} if place.database else {})


def main() -> None:
    """Print the table."""
    quick = "--quick" in sys.argv[1:]
    patients, pages = (QUICK_PATIENTS, QUICK_PAGES) if quick else (PATIENTS, PAGES)
    console, table = Console(), Table("database", "due", "still due at the end", "page: median", "longest", "doubled")
    with ExitStack() as opened:
        servers: dict[str, Server | None] = {"SQLite": None}
        try:
            servers["PostgreSQL"] = opened.enter_context(own_server(durable=True))
        except NoServer as reason:
            console.print(f"no PostgreSQL: {reason}", markup=False)
        tell = opened.enter_context(Progress(console=console, transient=True))
        for engine, server in servers.items():
            provider = opened.enter_context(slow_provider())
            home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="monitor-bench-"))) / "home"
            database = server.url.render_as_string(hide_password=False) if server else None
            took, left, doubled = play(Place(home, database, provider.url, patients), provider, pages, tell)
            longest = f"{max(took):.2f} s"
            table.add_row(engine, f"{patients:,}", f"{left:,}", f"{median(took):.2f} s", longest, str(doubled))
    table.add_row("wanted", "", "> 0", "", "≤ 2 s", "0")
    console.print(table)


if __name__ == "__main__":
    main()
