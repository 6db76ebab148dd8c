"""The morning digest: on working days, one text to the first tier about what waits for a call."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.domain.rota import Person
from monitor.domain.sending import Kind
from monitor.locking import lock_if_free
from monitor.models import Alert, Clinic, Task
from monitor.queries import calendar_of, rota_of
from monitor.services.audit import record
from monitor.services.compose import staff_text
from monitor.services.escalate import subject_fields, write_page
from monitor.services.isolation import Pass
from monitor.services.outbox import queue_to_number
from monitor.services.seed import bundle_of, current_version

SHOWN = 6


def digest(sessions: Sessions, clock: Clock, *, public_url: str) -> int:
    """Write the digest of each clinic whose hour has come; returns how many were written."""
    written = 0
    with transaction(sessions) as session:
        ids = session.scalars(select(Clinic.id)).all()
    with Pass("digest") as each:
        for clinic_id in ids:
            with each(clinic_id), transaction(sessions) as session:
                clinic = lock_if_free(session, Clinic, clinic_id)
                if clinic is not None:  # else another worker is at it
                    written += _write(session, clinic, public_url, now=clock.now())
    return written


def _write(session: Session, clinic: Clinic, public_url: str, *, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(clinic.timezone))
    bundle = bundle_of(session, current_version(session).id)
    works = calendar_of(clinic, now).hours_on(local.date()) is not None
    if clinic.digested_on == local.date() or not works or local.time() < bundle.policy.digest_at:
        return False
    clinic.digested_on = local.date()
    waiting = session.scalars(
        select(Alert)
        .where(Alert.clinic_id == clinic.id, Alert.state == "open", Alert.closed_at.is_(None))
        .order_by(Alert.opened_at)
    ).all()
    tasks = session.scalar(
        select(func.count()).select_from(Task).where(Task.clinic_id == clinic.id, Task.closed_at.is_(None))
    )
    if not waiting and not tasks:
        return False
    for person in _readers(session, clinic, now):
        _queue(session, clinic, person, list(waiting), tasks or 0, public_url=public_url, now=now)
    record(session, "digest", at=now, clinic_id=clinic.id, alerts=len(waiting), tasks=tasks)
    return True


def _readers(session: Session, clinic: Clinic, now: datetime) -> list[Person]:
    """The first tier that has somebody on call."""
    rota = rota_of(session, clinic)
    on_call = (rota.on_call(tier, now) for tier in rota.tiers())
    return next((people for people in on_call if people), rota.everyone())


def _queue(
    session: Session,
    clinic: Clinic,
    person: Person,
    waiting: list[Alert],
    tasks: int,
    *,
    public_url: str,
    now: datetime,
) -> None:
    lines, each = [], Pass("digest line")
    for alert in waiting[:SHOWN]:
        line = f"alert {alert.id}, see the list;"  # where nothing more can be said
        with each(alert.id), session.begin_nested():
            line = _line(session, alert, person, now=now)
        lines.append(line)
    if len(waiting) > SHOWN:
        lines.append(f"and {len(waiting) - SHOWN} more;")
    if tasks:
        lines.append(f"front desk tasks: {tasks}.")
    body = staff_text(
        bundle_of(session, current_version(session).id),
        clinic,
        "staff.digest",
        count=len(waiting) + tasks,
        list=" ".join(lines),
        link=public_url,
    )
    once = f"digest:{clinic.id}:{person.id}:{clinic.digested_on}"
    queue_to_number(session, clinic, person.phone, body, once=once, kind=Kind.DIGEST, staff_id=person.id, now=now)


def _line(session: Session, alert: Alert, person: Person, *, now: datetime) -> str:
    """Who waits and why, with a code that takes it."""
    page = write_page(session, alert, person.id, person.phone, now=now)
    who = subject_fields(session, alert, bundle_of(session, alert.protocol_version_id))
    return f"{who['initials']} chart {who['chart']} day {who['day']}: {who['signs']} ({page.code});"
