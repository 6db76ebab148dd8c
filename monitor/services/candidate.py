"""What the decision whether a text to a patient may leave now depends on, gathered from the rows."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.localtime import Window, local_date, local_instant
from monitor.domain.plan import postop_day
from monitor.domain.sending import ONE_A_DAY, Candidate, Kind
from monitor.models import CheckIn, Episode, Message, Patient
from monitor.queries import LEFT

NOT_GONE = (State.PLANNED, State.SENDING, State.UNKNOWN)
ONE_CONVERSATION = timedelta(hours=20)  # another episode's check-in so lately is the same morning's
ONE_DAY = timedelta(days=1)


def candidate_for(session: Session, message: Message, *, now: datetime) -> Candidate:
    patient = session.get_one(Patient, message.patient_id)
    episode = session.get(Episode, message.episode_id) if message.episode_id else None
    zone = ZoneInfo(patient.timezone)
    today, week = _sent_lately(session, patient, zone, now=now)
    return Candidate(
        kind=Kind(message.kind),
        due_at=message.due_at,
        expires_at=message.expires_at,
        day=postop_day(episode.surgery_on, now, zone) if episode else 0,
        zone=zone,
        texting=Window(patient.clinic.texting_from, patient.clinic.texting_until),
        opted_out=patient.opted_out_at is not None,
        bad_number=patient.bad_number_at is not None,
        cancelled=episode is not None and episode.cancelled_at is not None,
        sent_today=today,
        sent_this_week=week,
        welcome_due_at=_welcome_due(session, patient),
        merged_into=_later_checkin(session, message, now=now),
        checkin_today=_checkin_due_by(session, patient, local_instant(local_date(now, zone) + ONE_DAY, time(0), zone)),
        in_conversation=_other_checkin_open(session, message, now=now),
    )


def _sent_lately(session: Session, patient: Patient, zone: ZoneInfo, *, now: datetime) -> tuple[int, int]:
    """Texts of which one a day may leave: how many did today (local) and in the last seven days."""
    sent = session.scalars(
        select(func.coalesce(Message.sent_at, Message.claimed_at)).where(
            Message.patient_id == patient.id,
            Message.kind.in_([k.value for k in ONE_A_DAY]),
            Message.state.in_(LEFT),
            Message.claimed_at >= now - timedelta(days=7),
        )
    ).all()
    today = local_date(now, zone)
    return len([at for at in sent if at and local_date(at, zone) == today]), len(sent)


def _welcome_due(session: Session, patient: Patient) -> datetime | None:
    """When the first text is due that has not certainly left."""
    waiting = select(func.max(Message.due_at)).where(
        Message.patient_id == patient.id, Message.kind == Kind.WELCOME, Message.state.in_(NOT_GONE)
    )
    return session.scalar(waiting)


def _checkin_due_by(session: Session, patient: Patient, end: datetime) -> bool:
    planned = select(Message.id).where(
        Message.patient_id == patient.id,
        Message.kind == Kind.CHECKIN,
        Message.state == State.PLANNED,
        Message.due_at < end,
    )
    return session.scalar(planned.limit(1)) is not None


def _later_checkin(session: Session, message: Message, *, now: datetime) -> int | None:
    if message.kind != Kind.CHECKIN or message.checkin_id is None:
        return None
    this = session.get_one(CheckIn, message.checkin_id)
    return session.scalar(
        select(CheckIn.day)
        .join(Message, Message.checkin_id == CheckIn.id)
        .where(
            CheckIn.episode_id == this.episode_id,
            CheckIn.day > this.day,
            Message.kind == Kind.CHECKIN,
            Message.state == State.PLANNED,
            Message.due_at <= now,
        )
        .order_by(CheckIn.day.desc())
        .limit(1)
    )


def _other_checkin_open(session: Session, message: Message, *, now: datetime) -> bool:
    if message.kind != Kind.CHECKIN:
        return False
    other = select(Message.id).where(
        Message.patient_id == message.patient_id,
        Message.episode_id != message.episode_id,
        Message.kind == Kind.CHECKIN,
        Message.state.in_(LEFT),
        Message.claimed_at >= now - ONE_CONVERSATION,
    )
    return session.scalar(other.limit(1)) is not None
