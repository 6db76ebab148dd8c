"""Open alerts as somebody works them down: the worst first, and what each of them waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, String, and_, cast, func, select
from sqlalchemy.orm import Session

from monitor.domain.plan import postop_day
from monitor.domain.terms import Band
from monitor.models import Alert, Episode, Page, Patient, Staff

KINDS = {"silence": "no answer to our texts", "review": "a message to read", "finding": "a finding"}
SAID_SHOWN = 3


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One open alert; moments are the clinic's. `raised_at` is when it came up, or last got worse; `due_at` is when
    paging goes on, or an outcome is wanted."""

    id: int
    band: Band
    kind: str
    patient_id: int | None
    episode_id: int | None
    name: str
    chart: str | None
    phone: str
    day: int | None
    signs: tuple[str, ...]
    said: tuple[str, ...]
    state: str
    taken_by_id: int | None
    taken_by: str | None
    raised_at: datetime
    due_at: datetime | None
    left: timedelta | None
    told_by_at: datetime | None
    pages: int
    nobody_reached: bool
    overdue: bool

    @property
    def is_taken(self) -> bool:
        return self.state == "taken"

    @property
    def what(self) -> str:
        return ", ".join(self.signs) or KINDS.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class Eyes:
    """How a clinic's people read an alert: their clock, the time, the signs' names as staff read them, and the stage
    of paging at which everybody is paged."""

    clinic_id: int
    zone: ZoneInfo
    now: datetime
    names: Mapping[str, str]
    everyone_at: int


def open_alerts(session: Session, eyes: Eyes) -> list[AlertLine]:
    """A clinic's open alerts: the worst first; within a band who is nobody's before who is somebody's, then the one
    that was raised first: one that got worse was something lesser before."""
    lines = _lines(session, eyes, are_open(eyes.clinic_id))
    return sorted(lines, key=lambda line: (-line.band.rank, line.is_taken, line.raised_at, line.id))


def one_alert(session: Session, eyes: Eyes, alert_id: int) -> AlertLine:
    """One alert of the clinic, closed or not."""
    (line,) = _lines(session, eyes, and_(Alert.id == alert_id, Alert.clinic_id == eyes.clinic_id))
    return line


def _lines(session: Session, eyes: Eyes, which: ColumnElement[bool]) -> list[AlertLine]:
    paged = (
        select(Page.alert_id, func.count().label("pages"), func.max(Page.stage).label("stage"))
        .join(Alert, and_(Alert.id == Page.alert_id, Page.created_at >= Alert.raised_at))
        .where(which)
        .group_by(Page.alert_id)
        .subquery()
    )
    found = session.execute(
        select(
            Alert.__table__,
            Patient.name,
            Patient.chart,
            Patient.phone,
            Patient.timezone,
            Episode.surgery_on,
            Staff.name.label("taker"),
            func.coalesce(paged.c.pages, 0).label("pages"),
            func.coalesce(paged.c.stage, 0).label("paged_stage"),
        )
        .outerjoin(Patient, Patient.id == Alert.patient_id)
        .outerjoin(Episode, Episode.id == Alert.episode_id)
        .outerjoin(Staff, Staff.id == Alert.taken_by_id)
        .outerjoin(paged, paged.c.alert_id == Alert.id)
        .where(which)
    )
    return [_line(row, eyes) for row in found]


def are_open(clinic_id: int) -> ColumnElement[bool]:
    """Of this clinic and not closed. The sum keeps SQLite from the index of clinics, which would lead it past all
    alerts that there ever were, and not to the few that are open."""
    return and_(Alert.clinic_id + 0 == clinic_id, Alert.closed_at.is_(None))


def fingerprint(session: Session, clinic_id: int) -> str:
    """Changes whenever a clinic's open alerts do: what the live worklist watches, cheap however often it is asked."""
    watched = (Alert.id, Alert.band, Alert.state, Alert.taken_by_id, Alert.stage, Alert.rounds, Alert.step_at)
    rows = session.execute(
        select(*watched, Alert.raised_at, Alert.signs, func.length(cast(Alert.reasons, String)))
        .where(are_open(clinic_id))
        .order_by(Alert.id)
    )
    return sha256(repr([tuple(row) for row in rows]).encode()).hexdigest()[:16]


def words_said(reasons: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The patient's words that raised an alert, each once, the newest last; risk factors are no words of theirs.

    >>> words_said([{"band": "urgent", "sign": "pus", "rule": "pus", "said": 'pus: "yellow ooze"'}])
    ('yellow ooze',)
    """
    raising = (r for r in reasons if Band(r["band"]) > Band.EXPECTED and r["said"])
    said = (r["said"] for r in raising if r["sign"] or r["rule"].startswith("review:"))
    return tuple(dict.fromkeys(_quoted(words) for words in said))


def _quoted(said: str) -> str:
    """What a reason quotes, without what was understood of it."""
    first, last = said.find('"'), said.rfind('"')
    return said[first + 1 : last] if 0 <= first < last else said


def _line(row: Row[Any], eyes: Eyes) -> AlertLine:
    due, zone, now = row.step_at, eyes.zone, eyes.now
    return AlertLine(
        id=row.id,
        band=Band(row.band),
        kind=row.kind,
        patient_id=row.patient_id,
        episode_id=row.episode_id,
        name=row.name or f"Unknown number {row.subject.removeprefix('phone:')}",
        chart=row.chart,
        phone=row.phone or row.subject.removeprefix("phone:"),
        day=postop_day(row.surgery_on, now, ZoneInfo(row.timezone)) if row.surgery_on else None,
        signs=tuple(eyes.names.get(sign, sign) for sign in row.signs),
        said=words_said(row.reasons),
        state=row.state,
        taken_by_id=row.taken_by_id,
        taken_by=row.taker or ("the last resort" if row.state == "taken" else None),
        raised_at=row.raised_at.astimezone(zone),
        due_at=due.astimezone(zone) if due else None,
        left=due - now if due else None,
        told_by_at=row.told_by_at.astimezone(zone) if row.told_by_at else None,
        pages=row.pages,
        nobody_reached=row.state == "open"
        and (row.paged_stage >= eyes.everyone_at or (row.stage > 0 and not row.pages)),
        overdue=row.overdue,
    )
