"""Whether this installation lives: for a load balancer, for Prometheus, for whoever is on call for the program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sqlalchemy import func, select

from monitor.bootstrap import App
from monitor.clock import SystemClock
from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.errors import NotReady
from monitor.models import Alert, Heartbeat, Inbound, Message, Task
from monitor.services.isolation import FAILING

router = APIRouter()
BEAT_WITHIN = timedelta(seconds=60)
DUE_WITHIN = timedelta(minutes=2)
READ_WITHIN = timedelta(minutes=2)

TEXTS = Gauge("monitor_texts", "Texts and pages by kind and state", ["kind", "state"])
ALERTS = Gauge("monitor_alerts", "Alerts by band and state", ["band", "state"])
UNREAD = Gauge("monitor_inbound_unread", "Texts received and not read yet")
TASKS = Gauge("monitor_tasks_open", "Front-desk tasks that are open")
OLDEST = Gauge("monitor_oldest_due_seconds", "How long the oldest due text has waited")
DATABASE = Gauge("monitor_database_up", "1 if the database answered just now; if not, its counts are old")
WORK_FAILING = Gauge("monitor_work_failing", "1 while an item of this work fails in some worker", ["work"])
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
        await run_in_threadpool(_measure, request.app.state.monitor)
        DATABASE.set(1)
    except NotReady:
        DATABASE.set(0)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _check(app: App) -> dict[str, str]:
    try:
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
    with transaction(app.sessions) as session:
        beats = {row.name: row.at for row in session.scalars(select(Heartbeat))}
        due = session.scalar(select(func.min(Message.due_at)).where(Message.state == State.PLANNED))
        arrived = session.scalar(select(func.min(Inbound.received_at)).where(Inbound.handled_at.is_(None)))
    now, really = app.clock.now(), SystemClock().now()
    lately = sorted(name for name, at in beats.items() if really - at <= BEAT_WITHIN)
    return Ages(
        beat=really - beats["worker"] if "worker" in beats else None,
        due=max(now - (due or now), timedelta()),
        unread=max(now - (arrived or now), timedelta()),
        failing=[name.removeprefix(FAILING) for name in lately if name.startswith(FAILING)],
    )


def _measure(app: App) -> None:
    ages = _ages(app)
    with transaction(app.sessions) as session:
        texts = session.execute(select(Message.kind, Message.state, func.count()).group_by(Message.kind, Message.state))
        TEXTS.clear()
        for kind, state, count in texts:
            TEXTS.labels(kind, state).set(count)
        alerts = session.execute(select(Alert.band, Alert.state, func.count()).group_by(Alert.band, Alert.state))
        ALERTS.clear()
        for band, state, count in alerts:
            ALERTS.labels(band, state).set(count)
        unread = select(func.count()).select_from(Inbound).where(Inbound.handled_at.is_(None))
        UNREAD.set(session.scalar(unread) or 0)
        TASKS.set(session.scalar(select(func.count()).select_from(Task).where(Task.closed_at.is_(None))) or 0)
    WORK_FAILING.clear()
    for work in ages.failing:
        WORK_FAILING.labels(work).set(1)
    OLDEST.set(ages.due.total_seconds())
    BEAT.set(ages.beat.total_seconds() if ages.beat else -1)
