"""A clinic's patients, the newest surgery first: a page at a time, or those that a search finds.

However many there are, a page costs four queries: which episodes stand on it, who they are, what is sent next, and
which of them has an open alert.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.orm import Session

from monitor.domain.plan import postop_day
from monitor.domain.terms import Band
from monitor.models import Alert, Episode, Patient
from monitor.worklists.foretold import next_of

PAGE = 50
SEARCHED_AT_MOST = 80  # characters of what is looked for
WORDS_AT_MOST = 6
FEWEST_DIGITS = 3  # of a number, so that "36" finds a chart and not every second patient


@dataclass(frozen=True, slots=True)
class PatientLine:
    """One surgery of a patient. `next_at` is when the next text of the calendar leaves, by the patient's clock."""

    episode_id: int
    patient_id: int
    name: str
    initials: str
    chart: str | None
    surgery_on: date
    day: int
    state: str  # open | paused | ended
    paused_until: datetime | None
    next_at: datetime | None
    band: Band | None
    opted_out: bool
    bad_number: bool


@dataclass(frozen=True, slots=True)
class PatientPage:
    """Some of them, and how many there are in all."""

    lines: tuple[PatientLine, ...]
    count: int
    page: int = 1

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // PAGE))


def list_patients(
    session: Session, clinic_id: int, now: datetime, *, page: int, with_alert: bool = False
) -> PatientPage:
    """One page of all, or of those with an open alert; a number beyond the last page means the last."""
    mine = Patient.clinic_id == clinic_id
    if with_alert:
        mine = and_(mine, Episode.id.in_(select(Alert.episode_id).where(*_are_open(clinic_id))))
    ids, count = _ids(session, mine, offset=(max(page, 1) - 1) * PAGE)
    if page > 1 and not ids:
        last = PatientPage((), _count(session, mine)).pages
        return list_patients(session, clinic_id, now, page=last, with_alert=with_alert)
    return PatientPage(_lines(session, ids, now), count, max(page, 1))


def find_patients(session: Session, clinic_id: int, now: datetime, *, text: str) -> PatientPage:
    """The first page of those whose name, number or chart is what was typed."""
    found = and_(Patient.clinic_id == clinic_id, _matches(text))
    ids, count = _ids(session, found)
    return PatientPage(_lines(session, ids, now), count)


def _are_open(clinic_id: int) -> tuple[ColumnElement[bool], ...]:
    """An alert about an unknown number has no episode, and NULL in a list is nobody's."""
    return Alert.clinic_id == clinic_id, Alert.closed_at.is_(None), Alert.episode_id.is_not(None)


def _count(session: Session, which: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(Episode).join(Patient, Patient.id == Episode.patient_id).where(which)
    return session.scalar(counted) or 0


def _ids(session: Session, which: ColumnElement[bool], *, offset: int = 0) -> tuple[Sequence[int], int]:
    """The episodes of a page, and how many there are on all pages; both in one walk."""
    wanted = (
        select(Episode.id, func.count().over().label("of_all"))
        .join(Patient, Patient.id == Episode.patient_id)
        .where(which)
        .order_by(Episode.surgery_on.desc(), Episode.id.desc())
    )
    rows = session.execute(wanted.limit(PAGE).offset(offset)).all()
    return [row.id for row in rows], rows[0].of_all if rows else 0


def _matches(text: str) -> ColumnElement[bool]:
    """Every word in the name, or the digits in the number, or the beginning of the chart number."""
    words = text.split()[:WORDS_AT_MOST]
    ways = [and_(*(_in_name(word) for word in words)), Patient.chart.istartswith(text, autoescape=True)]
    digits = re.sub(r"\D", "", text)
    if len(digits) >= FEWEST_DIGITS and not re.search(r"[^\d\s().+/-]", text):
        ways.append(Patient.phone.contains(digits.removeprefix("00").removeprefix("0"), autoescape=True))
    return or_(*ways)


def _in_name(word: str) -> ColumnElement[bool]:
    """SQLite knows capital letters of ASCII alone: of other scripts each usual way to write a word is tried."""
    ways = [word] if word.isascii() else dict.fromkeys([word, word.lower(), word.title()])
    return or_(*(Patient.name.icontains(each, autoescape=True) for each in ways))


def _lines(session: Session, ids: Sequence[int], now: datetime) -> tuple[PatientLine, ...]:
    if not ids:
        return ()
    found = session.execute(
        select(
            *(Episode.id, Episode.surgery_on, Episode.paused_until, Episode.cancelled_at, Episode.patient_id),
            *(Patient.name, Patient.chart, Patient.timezone, Patient.opted_out_at, Patient.bad_number_at),
        )
        .join(Patient, Patient.id == Episode.patient_id)
        .where(Episode.id.in_(ids))
    )
    rows: dict[int, Any] = {row.id: row for row in found}
    upcoming, bands = next_of(session, {row.patient_id for row in rows.values()}, now), _open_bands(session, ids)
    return tuple(_line(rows[number], upcoming.get(number), bands.get(number), now) for number in ids)


def _open_bands(session: Session, ids: Sequence[int]) -> Mapping[int, Band]:
    open_ones = select(Alert.episode_id, Alert.band).where(Alert.episode_id.in_(ids), Alert.closed_at.is_(None))
    return {row.episode_id: Band(row.band) for row in session.execute(open_ones)}


def _line(row: Row[Any], next_at: datetime | None, band: Band | None, now: datetime) -> PatientLine:
    zone = ZoneInfo(row.timezone)
    paused = row.paused_until if row.paused_until is not None and row.paused_until > now else None
    return PatientLine(
        episode_id=row.id,
        patient_id=row.patient_id,
        name=row.name,
        initials="".join(f"{part[0].upper()}." for part in row.name.split()[:3]),
        chart=row.chart,
        surgery_on=row.surgery_on,
        day=postop_day(row.surgery_on, now, zone),
        state="ended" if row.cancelled_at is not None else "paused" if paused else "open",
        paused_until=paused.astimezone(zone) if paused else None,
        next_at=next_at.astimezone(zone) if next_at else None,
        band=band,
        opted_out=row.opted_out_at is not None,
        bad_number=row.bad_number_at is not None,
    )
