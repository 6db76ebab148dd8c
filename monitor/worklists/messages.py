"""Texts of a day, and those that have lately not arrived: a page of each at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Subquery, case, func, or_, select, union_all
from sqlalchemy.orm import Session

from monitor.domain.delivery import LOST, Remedy, State, meaning_of, remedy_for
from monitor.domain.foretell import Fate
from monitor.domain.localtime import local_instant
from monitor.domain.sending import PRIORITY, QUIET, TOLD_TO_TAKER, Kind
from monitor.models import Clinic, Episode, Message, MessageColumns, PastMessage, Patient, Staff, Task
from monitor.queries import IS_MOVING, IS_PLANNED
from monitor.worklists.foretold import fates_of
from monitor.worklists.inbox import latest_episodes
from monitor.worklists.text_words import TO_BE_LEFT_OUT, WHERE, what_text

PER_PAGE = 100
TROUBLES_OF = timedelta(days=14)
TROUBLE = LOST | {State.UNCONFIRMED}
# A text ends within three days of leaving: later than that the provider is not asked about it any more.
ENDS_WITHIN = timedelta(days=3)
TO_STAFF = (Kind.PAGE, Kind.DIGEST)
LISTED_AS = ("undelivered", "opted_out", "provider_settings", "call_now", "text_broken", "in_doubt", "staff")
SHOWN = (
    *("id", "once", "kind", "state", "why", "body", "priority", "error_code", "to_number"),
    *("due_at", "claimed_at", "sent_at", "ended_at"),
    *("patient_id", "episode_id", "staff_id", "alert_id"),
)


@dataclass(frozen=True, slots=True)
class TextLine:
    """One text; moments are the clinic's. `done` is what was done about one that did not arrive."""

    id: int
    at: datetime
    what: str
    state: str
    where: str
    why: str
    body: str | None
    patient_id: int | None
    name: str
    episode_id: int | None
    alert_id: int | None
    is_late: bool = False
    goes_at: datetime | None = None  # it waits beyond that day, until then
    done: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a list, and how many lines the list has."""

    lines: Sequence[TextLine]
    count: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // PER_PAGE))


def day_span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From one midnight of the clinic to the next: 23 to 25 hours."""
    return local_instant(day, time(), zone), local_instant(day + timedelta(days=1), time(), zone)


@dataclass(frozen=True, slots=True)
class Texts:
    """Some texts of a clinic, and the order in which they are listed."""

    rows: Subquery
    order: Sequence[ColumnElement[Any]]
    are_troubles: bool = False
    day: date | None = None  # of which they are to leave


def due_texts(clinic: Clinic, now: datetime, day: date) -> Texts:
    """Texts to patients that wait and are due that day, in the order in which they leave, and those that a pause has
    held up until then; on the present day those that should have left before, too."""
    zone = ZoneInfo(clinic.timezone)
    begin, end = day_span(day, zone)
    due = Message.due_at < end if begin <= now < end else _within(Message.due_at, begin, end)
    # All priorities are named, so that the index of what waits leads to those of the day.
    ranks = Message.priority.in_(list(PRIORITY.values()))
    opening = datetime.combine(day, clinic.texting_from) - datetime.combine(day, time())
    held_up = (
        _columns(Message)
        .join(Episode, Episode.id == Message.episode_id)
        .where(
            *(IS_PLANNED, ranks, Message.kind.in_(QUIET), *_ours(Message, clinic.id), ~due),
            # A pause ends at the patient's midnight, and texts leave from the clinic's hour on.
            *(_within(Episode.paused_until, begin - opening, end - opening), Message.due_at < Episode.paused_until),
            or_(Message.expires_at.is_(None), Message.expires_at > Episode.paused_until),
        )
    )
    found = union_all(_columns(Message).where(IS_PLANNED, ranks, due, *_ours(Message, clinic.id)), held_up).subquery()
    first = case((found.c.due_at <= now, found.c.priority), else_=len(PRIORITY))
    return Texts(found, (first, found.c.due_at, found.c.priority, found.c.id), day=day)


def left_texts(clinic_id: int, zone: ZoneInfo, day: date) -> Texts:
    """Texts to patients and unknown numbers that left that day, or were to and did not; the newest first."""
    begin, end = day_span(day, zone)
    under_way = _columns(Message).where(IS_MOVING, _within(Message.claimed_at, begin, end), *_ours(Message, clinic_id))
    ended = _columns(Message).where(
        _within(Message.ended_at, begin, end + ENDS_WITHIN), _left(Message, begin, end), *_ours(Message, clinic_id)
    )
    past = _columns(PastMessage).where(
        _within(PastMessage.due_at, begin - ENDS_WITHIN, end),
        _left(PastMessage, begin, end),
        *_ours(PastMessage, clinic_id),
    )
    found = union_all(under_way, ended, past).subquery()
    return Texts(found, (func.coalesce(found.c.sent_at, found.c.due_at).desc(), found.c.id.desc()))


def lost_texts(clinic_id: int, now: datetime) -> Texts:
    """Texts to anybody that lately did not arrive, or may not have; the newest first."""
    ended = _columns(Message).where(
        Message.ended_at >= now - TROUBLES_OF, Message.clinic_id == clinic_id, Message.state.in_(TROUBLE)
    )
    found = ended.subquery()
    return Texts(found, (found.c.ended_at.desc(), found.c.id.desc()), are_troubles=True)


def count_texts(session: Session, texts: Texts) -> int:
    return session.scalar(select(func.count()).select_from(texts.rows)) or 0


def part_of(session: Session, texts: Texts, count: int, page: int, zone: ZoneInfo, now: datetime) -> Part:
    """One page of them; the last, if there are fewer."""
    page, found = min(page, max(1, -(-count // PER_PAGE))), texts.rows
    some = (
        select(found, Patient.name, Patient.opted_out_at, Patient.bad_number_at, Staff.name.label("colleague"))
        .outerjoin(Patient, Patient.id == found.c.patient_id)
        .outerjoin(Staff, Staff.id == found.c.staff_id)
        .order_by(*texts.order)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    )
    rows = session.execute(some).all()
    episodes = latest_episodes(session, {row.patient_id for row in rows if row.patient_id})
    done = _what_was_done(session, rows) if texts.are_troubles else {}
    lines = [_line(row, episodes, done.get(row.id, ""), zone, now) for row in rows]
    if texts.day is not None:
        fates = fates_of(session, {row.patient_id for row in rows if row.patient_id}, now)
        lines = [_foretold(line, fates.get(line.id), texts.day, now) for line in lines]
    return Part(lines, count, page)


def _columns(texts: type[MessageColumns]) -> Select[Any]:
    return select(*(getattr(texts, name) for name in SHOWN))


def _ours(texts: type[MessageColumns], clinic_id: int) -> tuple[ColumnElement[bool], ...]:
    return texts.clinic_id == clinic_id, texts.staff_id.is_(None), texts.kind.not_in(TO_STAFF)


def _within(column: Any, begin: datetime, end: datetime) -> ColumnElement[bool]:
    both: ColumnElement[bool] = (column >= begin) & (column < end)
    return both


def _left(texts: type[MessageColumns], begin: datetime, end: datetime) -> ColumnElement[bool]:
    return _within(func.coalesce(texts.sent_at, texts.due_at), begin, end)


def _line(row: Any, episodes: Mapping[int, int], done: str, zone: ZoneInfo, now: datetime) -> TextLine:
    state = State(row.state)
    at = row.due_at if state == State.PLANNED else row.sent_at or row.due_at
    return TextLine(
        id=row.id,
        at=at.astimezone(zone),
        what=what_text(row.kind, row.once),
        state=state,
        where=WHERE[state],
        why=meaning_of(row.error_code) or row.why or "",
        body=row.body,
        patient_id=row.patient_id,
        name=row.name or row.colleague or row.to_number,
        episode_id=row.episode_id or episodes.get(row.patient_id or 0),
        alert_id=row.alert_id,
        is_late=state == State.PLANNED and row.due_at < now,
        done=done,
    )


def _foretold(line: TextLine, fate: Fate | None, day: date, now: datetime) -> TextLine:
    """A text that waits, with what the worker will make of it; one that is not scheduled leaves when it is due."""
    if fate is None:
        return line
    if not fate.leaves:
        return replace(line, where=TO_BE_LEFT_OUT, why=fate.why, is_late=False)
    at = fate.at.astimezone(line.at.tzinfo)
    if at.date() != day:
        return replace(line, goes_at=at, is_late=False)
    return line if line.is_late and at <= now else replace(line, at=at, is_late=False)


def _what_was_done(session: Session, rows: Collection[Any]) -> Mapping[int, str]:
    """About each of these that did not arrive, in words."""
    again = _sent_again(session, [row.id for row in rows])
    listed = _listed(session, [row.id for row in rows])
    return {row.id: _done(row, again.get(row.id), listed.get(row.id)) for row in rows}


def _done(row: Any, again: str | None, listed: bool | None) -> str:
    """`again` is where the second try is, `listed` whether the front desk still has it before it."""
    parts = []
    if again is not None:
        parts.append(f"sent again: {WHERE[State(again)]}")
    if listed is not None:
        parts.append("stands in the inbox" if listed else "the front desk has dealt with it")
    if row.opted_out_at and remedy_for(row.error_code) == Remedy.OPT_OUT:
        parts.append("they are sent no more texts")
    if row.bad_number_at and remedy_for(row.error_code) == Remedy.BAD_NUMBER:
        parts.append("the number is marked as wrong")
    if row.kind == Kind.PAGE:
        parts.append("paging went on")
    if row.once.startswith(TOLD_TO_TAKER):
        parts.append("the alert was paged anew, if they still had it")
    return "; ".join(parts) or "nothing: it was of no more use"


def _sent_again(session: Session, ids: Collection[int]) -> Mapping[int, str]:
    keys = {f"again:{key}": key for key in ids}
    rows = session.execute(select(Message.once, Message.state).where(Message.once.in_(keys)))
    return {keys[row.once]: row.state for row in rows}


def _listed(session: Session, ids: Collection[int]) -> Mapping[int, bool]:
    """By their names, since these are indexed."""
    keys = {f"{kind}:{key}": key for key in ids for kind in LISTED_AS}
    rows = session.execute(select(Task.once, Task.closed_at.is_(None)).where(Task.once.in_(keys)))
    return {keys[once]: is_open for once, is_open in rows}
