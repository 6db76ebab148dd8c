"""Put a text or call in the outbox. Planning the same thing twice changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.sending import PRIORITY, Kind
from monitor.locking import add_once
from monitor.models import Alert, Clinic, Message, Patient
from monitor.queries import wherever
from monitor.services.audit import record


def queue_to_patient(
    session: Session,
    patient: Patient,
    body: str,
    *,
    once: str,
    kind: Kind,
    due_at: datetime,
    now: datetime,
    question: str | None = None,
    checkin_id: int | None = None,
    episode_id: int | None = None,
    alert_id: int | None = None,
    expires_at: datetime | None = None,
) -> Message | None:
    """A text that is written now; None if this very one was queued before."""
    if exists(session, once):
        return None
    message = Message(
        once=once,
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        episode_id=episode_id,
        checkin_id=checkin_id,
        alert_id=alert_id,
        kind=kind,
        to_number=patient.phone,
        body=body,
        question=question,
        priority=PRIORITY[kind],
        due_at=due_at,
        expires_at=expires_at,
        created_at=now,
    )
    return message if add_once(session, message) else None


def queue_to_number(
    session: Session,
    clinic: Clinic,
    number: str,
    body: str,
    *,
    once: str,
    kind: Kind,
    now: datetime,
    staff_id: int | None = None,
    alert: Alert | None = None,
    channel: str = "sms",
    expires_after: timedelta = timedelta(hours=2),
) -> Message | None:
    """A text or call to staff, the last resort or an unknown number, due at once."""
    if exists(session, once):
        return None
    message = Message(
        once=once,
        clinic_id=clinic.id,
        staff_id=staff_id,
        alert_id=alert.id if alert else None,
        kind=kind,
        channel=channel,
        to_number=number,
        body=body,
        priority=PRIORITY[kind],
        due_at=now,
        expires_at=now + expires_after,
        created_at=now,
    )
    return message if add_once(session, message) else None


def exists(session: Session, once: str) -> bool:
    """Whether this very text was written before, however long ago."""
    return session.scalar(wherever(lambda texts: select(texts.id).where(texts.once == once))) is not None


def texted(session: Session, patients: Collection[int]) -> set[int]:
    """Those of these patients to whom the provider ever took a text."""
    sent = wherever(
        lambda texts: select(texts.patient_id).where(texts.patient_id.in_(patients), texts.sid.is_not(None)).distinct()
    )
    return {patient_id for patient_id in session.scalars(sent) if patient_id is not None}


def cancel_pages(session: Session, alert: Alert, *, why: str, now: datetime) -> None:
    """Take back the pages of an alert that have not left yet."""
    waiting = select(Message).where(
        Message.alert_id == alert.id, Message.kind == Kind.PAGE, Message.state == State.PLANNED
    )
    # One that a worker is claiming now has left; it may be waiting for this very alert.
    for message in session.scalars(waiting.with_for_update(skip_locked=True, key_share=True)):
        cancel(session, message, why=why, now=now)


def cancel(session: Session, message: Message, *, why: str, now: datetime) -> bool:
    """Take back a text that has not left yet, and say why; False if a worker was first to claim it."""
    waiting = update(Message).where(Message.id == message.id, Message.state == State.PLANNED)
    taken_back = session.scalar(
        waiting.values(state=State.CANCELLED, why=why, ended_at=now)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    session.refresh(message)
    if taken_back is None:
        return False
    record(
        session,
        "message_cancelled",
        at=now,
        patient_id=message.patient_id,
        alert_id=message.alert_id,
        message_id=message.id,
        why=why,
    )
    return True
