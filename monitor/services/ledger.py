"""Check planned against actual: every text, every reply, every alert accounted for, or named as a hole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import FINAL, State
from monitor.domain.plan import plan_episode
from monitor.models import Alert, Assessment, CheckIn, Episode, Inbound, Message
from monitor.services.plan import course_of
from monitor.services.seed import bundle_of

# How late each thing may be before it counts as lost sight of.
OVERDUE = timedelta(minutes=10)
IN_DOUBT = timedelta(hours=3)
UNCONFIRMED = timedelta(hours=30)
UNREAD = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that nobody is looking after any more."""

    what: str
    id: int | str
    why: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts by state, and the holes; an empty list of holes is what two of the promises ask for."""

    texts: dict[str, int]
    pages: dict[str, int]
    replies: dict[str, int]
    checkins: dict[str, int]
    alerts: dict[str, int]
    holes: list[Hole] = field(default_factory=list)


def check_ledger(session: Session, now: datetime) -> Ledger:
    """The state of everything at this moment."""
    to_patient = Message.patient_id.is_not(None)
    return Ledger(
        texts=_count(session, Message.state, to_patient),
        pages=_count(session, Message.state, ~to_patient),
        replies=_replies(session),
        checkins=_count(session, CheckIn.state),
        alerts=_count(session, Alert.state),
        holes=[*_texts(session, now), *_unread(session, now), *_alerts(session, now), *_plans(session, now)],
    )


def _count(session: Session, column: object, *where: object) -> dict[str, int]:
    rows = session.execute(select(column, func.count()).where(*where).group_by(column))  # type: ignore[call-overload]
    return {str(state): count for state, count in rows}


def _replies(session: Session) -> dict[str, int]:
    read = session.scalar(select(func.count()).select_from(Inbound).where(Inbound.handled_at.is_not(None)))
    every = session.scalar(select(func.count()).select_from(Inbound))
    return {"received": every or 0, "read": read or 0}


def _texts(session: Session, now: datetime) -> Iterator[Hole]:
    due = select(Message.id).where(Message.state == State.PLANNED, Message.due_at < now - OVERDUE)
    for id_ in session.scalars(due):
        yield Hole("text", id_, "due and not sent")
    moving = select(Message.id).where(
        Message.state.in_([State.SENDING, State.UNKNOWN]), Message.claimed_at < now - IN_DOUBT
    )
    for id_ in session.scalars(moving):
        yield Hole("text", id_, "handed to the provider and never settled")
    sent = select(Message.id).where(Message.state == State.SENT, Message.sent_at < now - UNCONFIRMED)
    for id_ in session.scalars(sent):
        yield Hole("text", id_, "sent and never asked about")
    silent = select(Message.id).where(
        Message.state.in_(FINAL - {State.DELIVERED}), or_(Message.ended_at.is_(None), Message.why.is_(None))
    )
    for id_ in session.scalars(silent.where(Message.error_code.is_(None))):
        yield Hole("text", id_, "ended without a reason")


def _unread(session: Session, now: datetime) -> Iterator[Hole]:
    waiting = select(Inbound.id).where(Inbound.handled_at.is_(None), Inbound.received_at < now - UNREAD)
    for id_ in session.scalars(waiting):
        yield Hole("reply", id_, "received and not read")
    unscored = (
        select(Inbound.id)
        .outerjoin(Assessment, Assessment.inbound_id == Inbound.id)
        .where(
            Inbound.handled_at.is_not(None),
            Assessment.id.is_(None),
            Inbound.result.not_in(["staff", "unknown_number", "failed"]),
        )
    )
    for id_ in session.scalars(unscored):
        yield Hole("reply", id_, "read and not scored")
    unheard = (
        select(Assessment.inbound_id)
        .where(Assessment.disposition.in_(["alert", "review"]))
        .where(
            ~select(Alert.id)
            .where(
                Alert.patient_id == Assessment.patient_id,
                Alert.opened_at <= Assessment.created_at,
                or_(Alert.closed_at.is_(None), Alert.closed_at >= Assessment.created_at),
            )
            .exists()
        )
    )
    for inbound_id in session.scalars(unheard):
        yield Hole("reply", inbound_id or 0, "needs a person and raised no alert")


def _alerts(session: Session, now: datetime) -> Iterator[Hole]:
    stuck = select(Alert.id).where(
        Alert.closed_at.is_(None), or_(Alert.step_at.is_(None), Alert.step_at < now - OVERDUE)
    )
    for id_ in session.scalars(stuck):
        yield Hole("alert", id_, "open, and nobody will be paged")
    unended = select(Alert.id).where(Alert.closed_at.is_not(None), Alert.outcome.is_(None))
    for id_ in session.scalars(unended):
        yield Hole("alert", id_, "closed without an outcome")


def _plans(session: Session, now: datetime) -> Iterator[Hole]:
    """Every step of every open episode's calendar must stand in the outbox."""
    for episode in session.scalars(select(Episode).where(Episode.cancelled_at.is_(None))):
        if episode.planned_until < now:
            yield Hole("episode", episode.id, "its calendar is not written on")
        bundle = bundle_of(session, episode.protocol_version_id)
        keys = {
            f"plan:{episode.id}:{row.key}"
            for row in plan_episode(bundle.protocol, course_of(episode), now, until=episode.planned_until)
        }
        there = set(session.scalars(select(Message.once).where(Message.episode_id == episode.id)))
        for missing in sorted(keys - there):
            yield Hole("episode", episode.id, f"no text is planned for {missing.rsplit(':', 1)[1]}")
