"""Queries that decide: what a patient was last asked, what is known of an episode, who a number belongs to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeVarTuple
from zoneinfo import ZoneInfo

import holidays as public_holidays
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    and_,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from monitor.domain.carrier import LOOKED_AT, takes_texts
from monitor.domain.delivery import LEFT, State
from monitor.domain.findings import Findings
from monitor.domain.localtime import Window, WorkCalendar
from monitor.domain.rota import Cover, Person, Rota, WeeklyShift
from monitor.domain.sending import PRIORITY, Kind
from monitor.domain.terms import Disposition, Sign
from monitor.models import (
    Alert,
    Assessment,
    CheckIn,
    Clinic,
    Episode,
    Inbound,
    Message,
    MessageColumns,
    Override,
    PastMessage,
    Patient,
    Shift,
    Staff,
)

Columns = TypeVarTuple("Columns")
TALK = (Kind.ANSWER, Kind.EMERGENCY, Kind.CHECKIN, Kind.NUDGE, Kind.SAFETY, Kind.REMINDER, Kind.CARE)
# Written into the statement and not handed over beside it, as they stand in the indexes of these rows alone: a plan
# that is made for any state whatever cannot use these.
MOVING = (State.SENDING, State.UNKNOWN, State.SENT)
IS_PLANNED = Message.state == literal(State.PLANNED, String(), literal_execute=True)
IS_MOVING = Message.state.in_([literal(state, String(), literal_execute=True) for state in MOVING])
JOINED = timedelta(hours=24)  # how long earlier texts still belong to the same report
EARLIER = timedelta(hours=12)  # what was said longer ago than this is history


@dataclass(frozen=True, slots=True)
class Asked:
    """The question a reply answers: what was last sent to that phone and when."""

    question: str
    message: Message


def patients_at(session: Session, number: str) -> Sequence[Patient]:
    return session.scalars(select(Patient).where(Patient.phone == number).order_by(Patient.id)).all()


def staff_at(session: Session, number: str) -> Sequence[Staff]:
    return session.scalars(select(Staff).where(Staff.phone == number, Staff.left_at.is_(None))).all()


def episodes_of(session: Session, patient: Patient) -> Sequence[Episode]:
    """The episodes a text may be about, newest first: those not cancelled, else the last one."""
    every = session.scalars(
        select(Episode).where(Episode.patient_id == patient.id).order_by(Episode.surgery_on.desc(), Episode.id.desc())
    ).all()
    return [e for e in every if e.cancelled_at is None] or every[:1]


def last_asked(session: Session, patients: Sequence[Patient], at: datetime, open_for: timedelta) -> Asked | None:
    """The question that was on the phone's screen when a text was written, if it is still open."""
    last = session.scalar(
        select(Message)
        .where(
            Message.patient_id.in_([p.id for p in patients]),
            Message.kind.in_(TALK),
            Message.state.in_(LEFT),
            Message.claimed_at <= at,
        )
        .order_by(Message.claimed_at.desc(), Message.id.desc())
        .limit(1)
    )
    if last is None or last.question is None or last.claimed_at is None or at - last.claimed_at > open_for:
        return None
    checkin = session.get(CheckIn, last.checkin_id) if last.checkin_id else None
    if checkin is not None and checkin.state not in {"planned", "open"}:
        return None
    return Asked(last.question, last)


def questions_asked(session: Session, patient: Patient, checkin: CheckIn | None, now: datetime) -> set[str]:
    """The names of what was asked already in this check-in, or lately outside of one."""
    asked = select(Message.question).where(
        Message.patient_id == patient.id,
        Message.question.is_not(None),
        Message.state.in_([*LEFT, State.PLANNED]),
        Message.claimed_at.is_not(None),
    )
    if checkin is not None:
        asked = asked.where(Message.checkin_id == checkin.id)
    else:
        asked = asked.where(Message.checkin_id.is_(None), Message.created_at > now - JOINED)
    return {name for name in session.scalars(asked) if name}


def recent_findings(session: Session, episode: Episode, checkin: CheckIn | None, now: datetime) -> Findings:
    """What earlier texts of the same report said: this check-in's, or those of the last day, unless
    staff have dealt with them since."""
    last = session.scalar(assessments_of(episode.id).limit(1))
    if last is None:
        return Findings()
    same_checkin = checkin is not None and last.checkin_id == checkin.id
    helped = session.scalar(select(func.max(Alert.closed_at)).where(Alert.episode_id == episode.id))
    if helped is not None and helped >= last.created_at:
        return Findings()
    return Findings.from_json(last.findings) if same_checkin or now - last.created_at <= JOINED else Findings()


def were_joined(session: Session, before: Assessment, text: Assessment) -> bool:
    """Whether a text was read on top of the one before it, as `recent_findings` told at its time."""
    same_checkin = text.checkin_id is not None and text.checkin_id == before.checkin_id
    if not same_checkin and text.created_at - before.created_at > JOINED:
        return False
    helped = select(Alert.id).where(
        Alert.episode_id == before.episode_id, Alert.closed_at.between(before.created_at, text.created_at)
    )
    return session.scalar(helped.limit(1)) is None


def assessments_of(episode_id: int) -> Select[Assessment]:
    """What an episode's texts were read as, the latest first; what a clinician overruled counts no more, and the
    correction stands in its place and at its time."""
    correction = aliased(Assessment)
    ours = correction.episode_id == episode_id
    overruled = select(correction.id).where(correction.corrects_id == Assessment.id, ours)
    return (
        select(Assessment)
        .where(Assessment.episode_id == episode_id, ~overruled.exists())
        .order_by(Assessment.created_at.desc(), Assessment.id.desc())
    )


@dataclass(frozen=True, slots=True)
class History:
    """What an episode's earlier texts said: the last pain, and every sign ever present."""

    last_pain: int | None
    known: frozenset[Sign]


def history_of(session: Session, episode: Episode, now: datetime) -> History:
    earlier = session.scalars(assessments_of(episode.id).where(Assessment.created_at < now - EARLIER)).all()
    findings = [Findings.from_json(a.findings) for a in earlier]
    pains = [f.pain for f in findings if f.pain is not None]
    known = frozenset(s for f in findings for s in f.signs if f.has(s))
    return History(pains[0] if pains else None, known)


def open_alert(session: Session, subject: str) -> Alert | None:
    """The alert that is open about this, as it stands now and this transaction's alone."""
    found = select(Alert).where(Alert.subject == subject, Alert.closed_at.is_(None))
    return session.scalar(found.with_for_update(key_share=True), execution_options={"populate_existing": True})


def open_checkin(session: Session, episode: Episode) -> CheckIn | None:
    return session.scalar(
        select(CheckIn)
        .where(CheckIn.episode_id == episode.id, CheckIn.state == "open")
        .order_by(CheckIn.day.desc())
        .limit(1)
        .with_for_update(key_share=True)
    )


def next_checkin_at(session: Session, patient: Patient, now: datetime) -> datetime | None:
    return session.scalar(
        select(func.min(Message.due_at)).where(
            Message.patient_id == patient.id,
            Message.kind == Kind.CHECKIN,
            Message.state == State.PLANNED,
            Message.due_at > now,
        )
    )


def asked_again_lately(session: Session, episode: Episode, inbound: Inbound, now: datetime) -> bool:
    """Whether the text before this one could not be read either."""
    lately = assessments_of(episode.id).where(Assessment.inbound_id != inbound.id, Assessment.created_at > now - JOINED)
    before = session.scalar(lately.limit(1))
    return before is not None and before.disposition == Disposition.ASK


def calendar_of(clinic: Clinic, now: datetime) -> WorkCalendar:
    """When the clinic works, with the public holidays of this year and the next."""
    hours = {day: Window(*map(time.fromisoformat, span)) for day, span in clinic.hours.items()}
    return WorkCalendar(ZoneInfo(clinic.timezone), hours, _holiday_dates(clinic.holidays, now.year))


def rota_of(session: Session, clinic: Clinic) -> Rota:
    """The clinic's staff with their shifts and overrides."""
    people = session.scalars(
        select(Staff).where(Staff.clinic_id == clinic.id, Staff.left_at.is_(None)).order_by(Staff.id)
    ).all()
    ids = [person.id for person in people]
    shifts = session.scalars(select(Shift).where(Shift.staff_id.in_(ids)))
    covers = session.scalars(
        select(Override).where(Override.staff_id.in_(ids) | Override.instead_of_id.in_(ids)).order_by(Override.id)
    )
    return Rota(
        ZoneInfo(clinic.timezone),
        [Person(p.id, p.phone, p.tier) for p in people],
        [WeeklyShift(s.staff_id, s.weekday, s.starts, s.ends) for s in shifts],
        [Cover(c.staff_id, c.instead_of_id, c.starts_at, c.ends_at) for c in covers],
    )


@lru_cache(maxsize=64)
def _holiday_dates(code: str | None, year: int) -> frozenset[date]:
    if not code:
        return frozenset()
    country, _, part = code.partition("-")
    return frozenset(public_holidays.country_holidays(country, subdiv=part or None, years=[year, year + 1]))


def wherever(
    build: Callable[[type[MessageColumns]], Select[*Columns]],
) -> CompoundSelect[*Columns]:
    """One statement about texts, over those at hand and those in history: one that is being moved is seen once."""
    return union_all(build(Message), build(PastMessage))


def is_due(by: datetime) -> ColumnElement[bool]:
    """A text waits that was due by then. It names the priorities, so that the index of what waits leads to those
    that are due, however many others are not."""
    return and_(IS_PLANNED, Message.priority.in_(list(PRIORITY.values())), Message.due_at <= by)


def earliest_due(session: Session) -> datetime | None:
    """When the first of the texts that wait is due. One look into the index for each priority: however many wait,
    none but the first of each is read."""
    first = func.min(Message.due_at).label("due_at")
    each = union_all(*(select(first).where(IS_PLANNED, Message.priority == rank) for rank in PRIORITY.values()))
    earliest: datetime | None = session.scalar(select(func.min(each.subquery().c.due_at)))
    return earliest


def next_due(session: Session) -> datetime | None:
    """The next instant at which a text is due, must be read, or an alert must be looked at again."""
    text = earliest_due(session)
    step = session.scalar(select(func.min(Alert.step_at)).where(Alert.closed_at.is_(None)))
    unread = session.scalar(select(func.min(Inbound.received_at)).where(Inbound.handled_at.is_(None)))
    return min((at for at in (text, step, unread) if at is not None), default=None)


def numbers_that_take_texts(session: Session, numbers: Collection[str]) -> set[str]:
    """Those of these numbers at which a text would arrive: each is one, and its last word was not STOP."""
    place = func.row_number().over(partition_by=Inbound.from_number, order_by=Inbound.id.desc())
    ranked = select(Inbound.id, Inbound.from_number, Inbound.body, place.label("place"))
    last = ranked.where(Inbound.from_number.in_(numbers)).subquery()
    bodies: dict[str, list[str]] = {number: [] for number in numbers if number.startswith("+")}
    rows = session.execute(
        select(last.c.from_number, last.c.body).where(last.c.place <= LOOKED_AT).order_by(last.c.place)
    )
    for number, body in rows:
        if number in bodies:
            bodies[number].append(body)
    return {number for number, said in bodies.items() if takes_texts(said)}
