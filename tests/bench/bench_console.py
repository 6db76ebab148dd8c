"""How long each page of the console takes, and how large it is as it travels.

    python -m tests.bench.bench_console [--alerts 500] [--rounds 15] [--only sqlite]

A clinic with so many open alerts, a patient each who has written twice, and ten times as many patients besides. Each
page is asked for by somebody who is signed in, through the whole program but the socket; medians of the rounds. The
peer, in the same run and in turn with the worklist: FastAPI and Jinja that select the same rows and render a bare list
of them, compressed the same, without sign-in, log, clocks, bands, texts, buttons. The target: the worklist with 500
open alerts in 150 ms of server time and 100 KB.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import httpx
from fastapi import FastAPI, Request, Response
from jinja2 import DictLoader, Environment
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, select
from starlette.middleware.gzip import GZipMiddleware

from monitor.bootstrap import App, build, prepare
from monitor.clock import StoppedClock, SystemClock
from monitor.config import Settings, SmsKind
from monitor.db import transaction
from monitor.domain.findings import Findings
from monitor.models import Alert, Assessment, Episode, Inbound, Patient
from monitor.services.clinic import the_clinic
from monitor.services.init import initialise
from monitor.services.seed import current_version
from tests.bench.engines import both_engines
from tests.conftest import CLINIC
from tests.web.staffer import Office, Staffer

BESIDE = 10  # patients without an alert, for each with one
TEN_YEARS = 3650  # days
TEXTS = 2  # of each patient with an alert
BANDS = ("soon", "urgent", "soon", "soon", "urgent", "soon", "soon", "emergency")
PAGES = (
    "/",
    "/worklist",
    "/alerts/1",
    "/episodes/1",
    "/episodes/1/pain.svg",
    "/episodes/2/pain.svg",  # a course of ten years
    "/patients",
    "/enrol",
    "/enrol/import",
    "/inbox",
    "/rota",
    "/messages",
    "/reports",
    "/protocol",
    "/settings",
    "/staff",
    "/audit",
    "/account",
    "/help",
)
LINE = "<li>{{ a.band }} {{ p.name }} {{ a.signs | join(', ') }} {{ a.opened_at }}</li>"
BARE = "<ol>{% for a, p in rows %}" + LINE + "{% endfor %}</ol>"


@dataclass(frozen=True, slots=True)
class Seen:
    """One page: median milliseconds, bytes as they travel, and its status."""

    path: str
    milliseconds: float
    size: int
    status: int


def write_alerts(app: App, count: int, now: datetime) -> None:
    """Patients with an episode each, of whom the first so many have an open alert."""
    with transaction(app.sessions) as session:
        clinic, version = the_clinic(session), current_version(session).id
        many = range(1, count * (BESIDE + 1) + 1)
        surgery = (now - timedelta(days=9)).date()
        same = {"clinic_id": clinic.id, "timezone": clinic.timezone, "language": "en", "consented_at": now}
        patients = [
            {**same, "id": n, "name": f"Patient Number {n}", "phone": f"+1202{5550000 + n}", "chart": str(n)}
            | {"consent_how": "form", "created_at": now}
            for n in many
        ]
        session.execute(insert(Patient), patients)
        episode = {"protocol_version_id": version, "surgery_on": surgery, "planned_until": now, "created_at": now}
        session.execute(insert(Episode), [{**episode, "id": n, "patient_id": n, "risks": []} for n in many])
        session.execute(insert(Alert), [_alert(n, clinic.id, version, now) for n in range(1, count + 1)])
        texts = range(1, count * TEXTS + 1)
        session.execute(insert(Inbound), [_text(n, now) for n in texts])
        session.execute(insert(Assessment), [_assessment(n, version, now) for n in texts])
        session.execute(insert(Assessment), [_reading(2, day, version, now) for day in (4, 7, 14, TEN_YEARS)])


def _reading(number: int, day: int, version: int, now: datetime) -> dict[str, object]:
    """What a patient said of the pain on some day of one of these episodes."""
    said = Findings(pain=2).to_json()
    where = {"patient_id": number, "episode_id": number, "day": day, "protocol_version_id": version}
    made = {"band": "expected", "score": 0, "disposition": "close", "reasons": [], "reading": said, "findings": said}
    return {**where, **made, "question": "pain", "created_at": now}


def _alert(number: int, clinic_id: int, version: int, now: datetime) -> dict[str, object]:
    band = BANDS[number % len(BANDS)]
    reason = {"rule": "pus", "sign": "pus", "said": f'pus: "yellow stuff, day {number}"', "text": "Pus on any day."}
    opened = now - timedelta(minutes=number)
    return {
        "clinic_id": clinic_id,
        "patient_id": number,
        "episode_id": number,
        "subject": f"episode:{number}",
        "protocol_version_id": version,
        "kind": "finding",
        "band": band,
        "signs": ["pus", "swelling"],
        "reasons": [reason | {"band": band, "points": 5, "source": "S0"}],
        "day": 9,
        "opened_at": opened,
        "raised_at": opened,
        "step_at": now + timedelta(minutes=number),
    }


def _text(number: int, now: datetime) -> dict[str, object]:
    patient = (number - 1) // TEXTS + 1
    said = f"Hello, it is not better. Since last night there is yellow stuff, day {patient}, and it tastes bad."
    return {
        "id": number,
        "sid": f"SM{number}",
        "from_number": f"+1202{5550000 + patient}",
        "to_number": "+12025550150",
    } | {
        "body": said if number % TEXTS else "And now it is swollen as well, please call me when you can",
        "received_at": now,
        "handled_at": now,
        "result": "alert:answer",
    }


def _assessment(number: int, version: int, now: datetime) -> dict[str, object]:
    patient = (number - 1) // TEXTS + 1
    same = {"protocol_version_id": version, "question": "none", "day": 9, "band": "urgent", "score": 5}
    return same | {
        "inbound_id": number,
        "patient_id": patient,
        "episode_id": patient,
        "disposition": "alert",
        "reasons": [],
        "reading": {"signs": {"pus": "present"}, "pain": None},
        "findings": {},
        "created_at": now,
    }


def bare_list(app: App) -> FastAPI:
    """What the same rows cost at least."""
    web, page = FastAPI(), Environment(loader=DictLoader({"list": BARE}), autoescape=True).get_template("list")

    @web.get("/")
    def show(_: Request) -> Response:
        with transaction(app.sessions) as session:
            still_open = Alert.closed_at.is_(None)
            rows = session.execute(
                select(Alert, Patient).join(Patient, Patient.id == Alert.patient_id).where(still_open)
            )
            return Response(page.render(rows=rows.all()), media_type="text/html")

    web.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    return web


def look(web: FastAPI, path: str, cookies: httpx.Cookies, rounds: int) -> Seen:
    """Ask for a page again and again, by one connection."""

    async def ask() -> Seen:
        transport, times, size, status = httpx.ASGITransport(app=web), [], 0, 0
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", cookies=cookies) as client:
            for turn in range(rounds + 1):
                start = time.perf_counter()
                async with client.stream("GET", path) as answer:
                    size = sum([len(part) async for part in answer.aiter_raw()])
                status = answer.status_code
                if turn:  # the first one loads templates
                    times.append((time.perf_counter() - start) * 1000)
        return Seen(path, median(times), size, status)

    return asyncio.run(ask())


@contextmanager
def an_office(url: str | None, alerts: int) -> Iterator[tuple[Office, Staffer]]:
    """A manager who is signed in, at a clinic with that much to do."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.model_construct(
            home=Path(home), database=url, sms=SmsKind.PHONES, public_url="http://127.0.0.1:8000"
        )
        prepare(settings).dispose()
        clock = StoppedClock(SystemClock().now())
        app = build(settings, clock=clock)
        with transaction(app.sessions) as session:
            initialise(session, CLINIC, now=clock.now())
        office = Office(app, clock, StoppedClock(clock.now()))
        boss = office.hires("Bo Boss", "+12025550173", role="manager")
        write_alerts(app, alerts, clock.now())
        yield office, boss
        app.engine.dispose()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--alerts", type=int, default=500)
    asked.add_argument("--rounds", type=int, default=15)
    asked.add_argument("--only", choices=["sqlite", "postgresql"])
    given = asked.parse_args()
    console = Console()
    with both_engines(console) as engines:
        for name, databases in engines.items():
            if given.only and name.lower() != given.only:
                continue
            with ExitStack() as opened:
                url = opened.enter_context(databases.new()) if databases else None
                office, boss = opened.enter_context(an_office(url, given.alerts))
                show(console, name, office, boss, given.rounds)


def show(console: Console, name: str, office: Office, boss: Staffer, rounds: int) -> None:
    """A table of pages, and what the worklist costs beside the bare list."""
    table = Table("page", "status", "ms", "KB", title=f"{name}: each page", title_justify="left")
    seen = [look(office.web, path, boss.cookies, rounds) for path in PAGES]
    for page in seen:
        table.add_row(page.path, str(page.status), f"{page.milliseconds:.0f}", f"{page.size / 1000:.1f}")
    console.print(table)
    bare, ours = [], []
    for _ in range(3):  # in turn: the machine's speed drifts
        bare.append(look(bare_list(office.app), "/", boss.cookies, rounds).milliseconds)
        ours.append(look(office.web, "/", boss.cookies, rounds).milliseconds)
    ratio = median(one / other for one, other in zip(ours, bare, strict=True))
    console.print(f"worklist {median(ours):.0f} ms, the bare list {median(bare):.0f} ms: {ratio:.2f} times")


if __name__ == "__main__":
    main()
