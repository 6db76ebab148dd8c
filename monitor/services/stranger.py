"""Work on a number that nobody knows: text it back, and be done with it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.access import Permission, may_settle_stranger
from monitor.domain.sending import Kind
from monitor.errors import BadInput, Denied, NotFound, Stale
from monitor.models import Alert, Clinic, Inbound, Staff, Task
from monitor.queries import numbers_that_take_texts, open_alert
from monitor.services.acknowledge import record_outcome, take
from monitor.services.audit import record
from monitor.services.outbox import queue_to_number
from monitor.services.staff import close_task
from monitor.services.text_patient import check_words


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is open about a number: its alert, if it has one, and the front desk's tasks."""

    alert: Alert | None
    tasks: tuple[Task, ...]


def find_waiting(session: Session, clinic_id: int, number: str) -> Waiting:
    """What this clinic has open about a number, its alert locked. Raises NotFound, or Stale where somebody was done
    first. Whoever ends it holds the number, so that it is not read meanwhile."""
    alert = open_alert(session, f"phone:{number}")
    if alert is not None and alert.clinic_id != clinic_id:
        alert = None
    listed = (
        select(Task)
        .join(Inbound, Inbound.id == Task.inbound_id)
        .where(Task.clinic_id == clinic_id, Task.kind == "unknown_number", Inbound.from_number == number)
    )
    tasks = session.scalars(listed.order_by(Task.id)).all()
    waiting = tuple(task for task in tasks if task.closed_at is None)
    if alert is None and not waiting:
        if any(task.closed_at for task in tasks):
            raise Stale("Somebody has dealt with this number meanwhile.")
        raise NotFound("number", "one that does not wait", "a number that stands in the inbox")
    return Waiting(alert, waiting)


def text_stranger(session: Session, clinic: Clinic, number: str, words: str, *, once: str, now: datetime) -> bool:
    """Put a text in the outbox, due at once; False if this very form was sent before. Raises BadInput."""
    find_waiting(session, clinic.id, number)
    body = check_words(words)
    if not may_be_texted(session, number):
        raise BadInput("body", "a number that takes no texts from us", "a call, or nothing")
    message = queue_to_number(session, clinic, number, body, once=f"console:{once[:40]}", kind=Kind.ANSWER, now=now)
    if message is None:
        return False
    record(session, "texted", at=now, message_id=message.id)
    return True


def finish(
    session: Session,
    clinic_id: int,
    number: str,
    *,
    outcome: str,
    note: str,
    by: Staff,
    permissions: Set[Permission],
    now: datetime,
) -> None:
    """Nothing about this number waits any more; what came of an alert is recorded. "Not reached" pages on, and the
    number stays in the inbox. Raises BadInput, Denied."""
    waiting = find_waiting(session, clinic_id, number)
    if (alert := waiting.alert) is not None:
        if not may_settle_stranger(permissions, kind=alert.kind, band=alert.band):
            raise Denied("an alert as grave as this one is closed by somebody who takes alerts")
        take(session, alert, by=by, how="console", now=now)
        record_outcome(session, alert, outcome, by=by, now=now, note=note)
        if alert.closed_at is None:
            return
    for task in waiting.tasks:
        close_task(session, task.id, now=now, clinic_id=clinic_id)


def may_be_texted(session: Session, number: str) -> bool:
    """Whether a text to this number would arrive: its last word was not STOP, and it is a number at all."""
    return number in numbers_that_take_texts(session, [number])
