"""Whether this installation lives: for a load balancer, for Prometheus, for whoever is on call for the program."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.bootstrap import App
from monitor.clock import SystemClock
from monitor.db import reading
from monitor.errors import NotReady
from monitor.models import Alert, Heartbeat, Inbound, Message, Tally, Task
from monitor.queries import IS_MOVING, earliest_due, is_due
from monitor.services.isolation import FAILING
from monitor.services.ledger import ALL_HOLES, count_holes
from monitor.services.release import look

router = APIRouter()
BEAT_WITHIN = timedelta(seconds=60)
DUE_WITHIN = timedelta(minutes=2)
READ_WITHIN = timedelta(minutes=2)
LATELY = timedelta(hours=1)

TEXTS = Gauge("monitor_texts", "Texts and pages due, under way, or ended within the hour", ["kind", "state"])
ALERTS = Gauge("monitor_alerts", "Open alerts by band and state", ["band", "state"])
UNREAD = Gauge("monitor_inbound_unread", "Texts received and not read yet")
TASKS = Gauge("monitor_tasks_open", "Front-desk tasks that are open")
OLDEST = Gauge("monitor_oldest_due_seconds", "How long the oldest due text has waited")
DATABASE = Gauge("monitor_database_up", "1 if the database answered just now; if not, its counts are old")
WORK_FAILING = Gauge("monitor_work_failing", "1 while an item of this work fails in some worker", ["work"])
HOLES = Gauge("monitor_ledger_holes", "Holes of the ledger that a quick look finds, at most 1000 of a kind", ["what"])
ALL = Gauge("monitor_ledger_holes_found", "Holes that the last `monitor ledger` found; -1 before the first")
LOOKED = Gauge("monitor_ledger_age_seconds", "Since the last `monitor ledger`; -1 before the first")
BEAT = Gauge("monitor_heartbeat_age_seconds", "Since the worker last said that it lives")


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Database, scheduler heartbeat, failing work, oldest due text, oldest unread one; 503 says which is wrong."""
    checks = await run_in_threadpool(_check, request.app.state.monitor)
    ready = all(value == "ok" for value in checks.values())
    return JSONResponse({"status": "ok" if ready else "not ready", **checks}, 200 if ready else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus metrics: counts only, never a name, a number or a word of a patient's."""
    try:
        await run_in_threadpool(measure, request.app.state.monitor)
        DATABASE.set(1)
    except NotReady:
        DATABASE.set(0)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _check(app: App) -> dict[str, str]:
    try:
        fit = look(app.engine)
        if not fit.works:
            return {"database": fit}
        ages = _ages(app)
    except NotReady:
        return {"database": "does not answer"}
    stale = ages.beat is None or ages.beat > BEAT_WITHIN
    return {
        "database": "ok",
        "worker": "no heartbeat for a minute" if stale else "ok",
        "oldest_due": f"{int(ages.due.total_seconds())} s late" if ages.due > DUE_WITHIN else "ok",
        "failing": ", ".join(ages.failing) or "ok",
        "oldest_unread": f"waits for {int(ages.unread.total_seconds())} s" if ages.unread > READ_WITHIN else "ok",
    }


@dataclass(frozen=True, slots=True)
class Ages:
    """Since the last heartbeat (real time), since the oldest due text was due, and since the oldest text
    that nobody has read arrived; and the kinds of work of which something failed lately."""

    beat: timedelta | None
    due: timedelta
    unread: timedelta
    failing: list[str]


def _ages(app: App) -> Ages:
    with reading(app.sessions) as session:
        beats = {row.name: row.at for row in session.scalars(select(Heartbeat))}
        due = earliest_due(session)
        arrived = session.scalar(select(func.min(Inbound.received_at)).where(Inbound.handled_at.is_(None)))
    now, really = app.clock.now(), SystemClock().now()
    lately = sorted(name for name, at in beats.items() if really - at <= BEAT_WITHIN)
    return Ages(
        beat=really - beats["worker"] if "worker" in beats else None,
        due=max(now - (due or now), timedelta()),
        unread=max(now - (arrived or now), timedelta()),
        failing=[name.removeprefix(FAILING) for name in lately if name.startswith(FAILING)],
    )


def _lively_texts(session: Session, now: datetime) -> Counter[tuple[str, str]]:
    """Texts by kind and state. Those that wait for their day and those that ended before are millions: whoever asks
    several times a minute is told what moves."""
    of_each = select(Message.kind, Message.state, func.count())
    counts: Counter[tuple[str, str]] = Counter()
    for which in (is_due(now), IS_MOVING, Message.ended_at > now - LATELY):
        for kind, state, count in session.execute(of_each.where(which).group_by(Message.kind, Message.state)):
            counts[kind, state] += count
    return counts


def measure(app: App) -> None:
    """Ask the database for what the metrics show: cheap however much there is in it."""
    ages = _ages(app)
    with reading(app.sessions) as session:
        TEXTS.clear()
        for (kind, state), count in _lively_texts(session, app.clock.now()).items():
            TEXTS.labels(kind, state).set(count)
        still_open = select(Alert.band, Alert.state, func.count()).where(Alert.closed_at.is_(None))
        alerts = session.execute(still_open.group_by(Alert.band, Alert.state))
        ALERTS.clear()
        for band, state, count in alerts:
            ALERTS.labels(band, state).set(count)
        unread = select(func.count()).select_from(Inbound).where(Inbound.handled_at.is_(None))
        UNREAD.set(session.scalar(unread) or 0)
        TASKS.set(session.scalar(select(func.count()).select_from(Task).where(Task.closed_at.is_(None))) or 0)
        HOLES.clear()
        for what, count in count_holes(session, app.clock.now()).items():
            HOLES.labels(what).set(count)
        looked = session.get(Tally, ALL_HOLES)
    ALL.set(looked.count if looked else -1)
    LOOKED.set((SystemClock().now() - looked.at).total_seconds() if looked else -1)
    WORK_FAILING.clear()
    for work in ages.failing:
        WORK_FAILING.labels(work).set(1)
    OLDEST.set(ages.due.total_seconds())
    BEAT.set(ages.beat.total_seconds() if ages.beat else -1)
