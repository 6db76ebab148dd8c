"""What the decision whether texts to patients may leave now depends on, gathered from the rows for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, lazyload

from monitor.db import one_of
from monitor.domain.bundle import Bundle
from monitor.domain.delivery import State
from monitor.domain.localtime import Window, local_date, local_instant
from monitor.domain.plan import postop_day
from monitor.domain.sending import ONE_A_DAY, Candidate, Kind
from monitor.models import CheckIn, Clinic, Episode, Message, Patient, ProtocolVersion
from monitor.queries import LEFT
from monitor.services.seed import parsed

Row = TypeVar("Row", Clinic, Patient, Episode, CheckIn, ProtocolVersion)
NOT_GONE = (State.PLANNED, State.SENDING, State.UNKNOWN)
ONE_CONVERSATION = timedelta(hours=20)  # another episode's check-in so lately is the same morning's
ONE_DAY = timedelta(days=1)
ONE_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Beside:
    """One of the patient's texts, as far as it bears on another."""

    kind: str
    state: str
    episode_id: int | None
    checkin_day: int | None
    due_at: datetime
    claimed_at: datetime | None
    sent_at: datetime | None


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
        now, episode = self._now, self.episode(message)
        patient = self._patients[message.patient_id or 0]
        zone = ZoneInfo(patient.timezone)
        beside = self._beside.get(patient.id, [])
        today, week = _sent_lately(beside, zone, now=now)
        tomorrow = local_instant(local_date(now, zone) + ONE_DAY, time(0), zone)
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
            paused_until=episode.paused_until if episode else None,
            sent_today=today,
            sent_this_week=week,
            welcome_due_at=_welcome_due(beside),
            welcomed=any(b.kind == Kind.WELCOME and b.state in LEFT for b in beside),
            merged_into=self._later_checkin(message, beside),
            checkin_today=any(b.due_at < tomorrow for b in beside if _waits(b)),
            in_conversation=_other_checkin_open(message, beside, now=now),
        )

    def _later_checkin(self, message: Message, beside: Sequence[Beside]) -> int | None:
        """The day of the last check-in of the same episode that is due as well."""
        if message.kind != Kind.CHECKIN or message.checkin_id is None:
            return None
        this = self._checkins[message.checkin_id]
        due = [b for b in beside if _waits(b) and b.episode_id == this.episode_id and b.due_at <= self._now]
        return max((b.checkin_day for b in due if b.checkin_day is not None and b.checkin_day > this.day), default=None)


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


def _waits(text: Beside) -> bool:
    return text.kind == Kind.CHECKIN and text.state == State.PLANNED


def _sent_lately(beside: Sequence[Beside], zone: ZoneInfo, *, now: datetime) -> tuple[int, int]:
    """Texts of which one a day may leave: how many did today (local) and in the last seven days."""
    sent = [b.sent_at or b.claimed_at for b in beside if b.kind in ONE_A_DAY and b.state in LEFT]
    today = local_date(now, zone)
    return len([at for at in sent if at and local_date(at, zone) == today]), len(sent)


def _welcome_due(beside: Sequence[Beside]) -> datetime | None:
    """When the first text is due that has not certainly left."""
    return max((b.due_at for b in beside if b.kind == Kind.WELCOME and b.state in NOT_GONE), default=None)


def _other_checkin_open(message: Message, beside: Sequence[Beside], *, now: datetime) -> bool:
    """Whether another episode's check-in is being talked about."""
    if message.kind != Kind.CHECKIN or message.episode_id is None:
        return False
    others = [b for b in beside if b.kind == Kind.CHECKIN and b.state in LEFT and b.episode_id is not None]
    lately = now - ONE_CONVERSATION
    return any(b.episode_id != message.episode_id and b.claimed_at and b.claimed_at >= lately for b in others)
