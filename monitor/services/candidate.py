"""What the decision whether texts to patients may leave now depends on, gathered from the rows for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, lazyload

from monitor.db import one_of
from monitor.domain.beside import ONE_DAY, ONE_WEEK, Beside, FollowUp, Recipient, candidate_of
from monitor.domain.bundle import Bundle
from monitor.domain.delivery import LEFT, NOT_GONE, State
from monitor.domain.localtime import Window
from monitor.domain.sending import ONE_A_DAY, Candidate, Kind
from monitor.models import CheckIn, Clinic, Episode, Message, Patient, ProtocolVersion
from monitor.services.seed import parsed

Row = TypeVar("Row", Clinic, Patient, Episode, CheckIn, ProtocolVersion)


class Surroundings:
    """The other texts of some patients, and the rows that theirs depend on. It holds for the first text of each
    patient: that one's leaving changes it."""

    def __init__(self, session: Session, messages: Sequence[Message], now: datetime) -> None:
        """A few statements for all: a session that is asked for each row takes several times as long."""
        self._now = now
        self._clinics = _rows(session, Clinic, {m.clinic_id for m in messages})  # kept, so that patients find them
        self._patients = _rows(session, Patient, {m.patient_id for m in messages})
        self._episodes = _rows(session, Episode, {m.episode_id for m in messages})
        self._checkins = _rows(session, CheckIn, {m.checkin_id for m in messages})
        self._versions = _rows(session, ProtocolVersion, {e.protocol_version_id for e in self._episodes.values()})
        self._beside = _texts_beside(session, set(self._patients), now)

    def episode(self, message: Message) -> Episode | None:
        return self._episodes.get(message.episode_id or 0)

    def day(self, message: Message) -> int:
        """The check-in's day; 0 of a text that opens none."""
        checkin = self._checkins.get(message.checkin_id or 0)
        return checkin.day if checkin else 0

    def bundle(self, episode: Episode) -> Bundle:
        return parsed(self._versions[episode.protocol_version_id])

    def candidate(self, message: Message) -> Candidate:
        """The facts about one of the texts."""
        episode, patient = self.episode(message), self._patients[message.patient_id or 0]
        checkin = self._checkins.get(message.checkin_id or 0)
        text = Beside(
            kind=message.kind,
            state=message.state,
            episode_id=message.episode_id,
            checkin_day=checkin.day if checkin else None,
            due_at=message.due_at,
            expires_at=message.expires_at,
        )
        to = Recipient(
            zone=ZoneInfo(patient.timezone),
            texting=Window(patient.clinic.texting_from, patient.clinic.texting_until),
            opted_out=patient.opted_out_at is not None,
            bad_number=patient.bad_number_at is not None,
        )
        follow_up = (
            FollowUp(episode.surgery_on, episode.cancelled_at is not None, episode.paused_until) if episode else None
        )
        return candidate_of(text, to, follow_up, self._beside.get(patient.id, []), self._now)


def _rows(session: Session, table: type[Row], ids: set[int | None]) -> dict[int, Row]:
    """By their ids, without what they refer to: that is loaded once, and not with each of them."""
    found = select(table).where(one_of(session, table.id, ids - {None})).options(lazyload("*"))
    return {row.id: row for row in session.scalars(found)}


def _texts_beside(session: Session, patients: set[int], now: datetime) -> dict[int, list[Beside]]:
    """What is about to leave, and what has left in the last seven days."""
    soon = and_(Message.kind == Kind.CHECKIN, Message.state == State.PLANNED, Message.due_at < now + 2 * ONE_DAY)
    welcome = and_(Message.kind == Kind.WELCOME, Message.state.in_({*NOT_GONE, *LEFT}))
    lately = and_(Message.kind.in_(ONE_A_DAY), Message.state.in_(LEFT), Message.claimed_at >= now - ONE_WEEK)
    rows = session.execute(
        select(
            Message.patient_id,
            Message.kind,
            Message.state,
            Message.episode_id,
            CheckIn.day,
            Message.due_at,
            Message.claimed_at,
            Message.sent_at,
        )
        .outerjoin(CheckIn, CheckIn.id == Message.checkin_id)
        .where(one_of(session, Message.patient_id, patients), or_(soon, welcome, lately))
    )
    found: dict[int, list[Beside]] = defaultdict(list)
    for patient_id, kind, state, episode_id, day, due_at, claimed_at, sent_at in rows:
        found[patient_id or 0].append(Beside(kind, state, episode_id, day, due_at, claimed_at, sent_at))
    return found
