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
from monitor.worklists.said import RANKS, Said, raising_texts, texts_of_alerts, understood

KINDS = {"silence": "no answer to our texts", "review": "a message to read", "finding": "a finding"}


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
    rules: frozenset[str]
    said: tuple[Said, ...]
    state: str
    taken_by_id: int | None
    taken_by: str | None
    raised_at: datetime
    due_at: datetime | None
    left: timedelta | None
    told_by_at: datetime | None
    age: timedelta
    pages: int
    people: int
    nobody_answered: bool
    overdue: bool

    @property
    def is_taken(self) -> bool:
        return self.state == "taken"

    @property
    def paging(self) -> str:
        """Who was called for help since it was last raised."""
        times = "once" if self.pages == 1 else f"{self.pages} times"
        return f"{self.people} {'person' if self.people == 1 else 'people'} paged {times}"

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
        select(
            Page.alert_id,
            func.count().label("pages"),
            func.count(Page.phone.distinct()).label("people"),
            func.max(Page.stage).label("stage"),
        )
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
            func.coalesce(paged.c.people, 0).label("people"),
            func.coalesce(paged.c.stage, 0).label("paged_stage"),
        )
        .outerjoin(Patient, Patient.id == Alert.patient_id)
        .outerjoin(Episode, Episode.id == Alert.episode_id)
        .outerjoin(Staff, Staff.id == Alert.taken_by_id)
        .outerjoin(paged, paged.c.alert_id == Alert.id)
        .where(which)
    )
    texts = texts_of_alerts(session, which)
    return [_line(row, eyes, texts.get(row.id, ())) for row in found]


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


def named_signs(
    signs: Sequence[str], reasons: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> tuple[str, ...]:
    """An alert's signs as staff read them, the worst first, with the number that was given of one.

    >>> pain = {"sign": "pain", "band": "urgent", "said": 'pain 9 of 10: "9"'}
    >>> smell = {"sign": "smell", "band": "soon", "said": "bad smell"}
    >>> named_signs(["smell", "pain"], [smell, pain], {"smell": "bad smell"})
    ('pain 9 of 10', 'bad smell')
    """
    worst: dict[str, Mapping[str, Any]] = {}
    for reason in reasons:  # of two that are as bad, the later one
        sign = reason["sign"]
        if sign and (sign not in worst or RANKS[reason["band"]] >= RANKS[worst[sign]["band"]]):
            worst[sign] = reason
    ranked = sorted(signs, key=lambda sign: -RANKS[worst[sign]["band"]] if sign in worst else 0)
    return tuple(
        understood(worst[sign], names.get(sign, sign)) if sign in worst else names.get(sign, sign) for sign in ranked
    )


def _line(row: Row[Any], eyes: Eyes, texts: Sequence[str]) -> AlertLine:
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
        signs=named_signs(row.signs, row.reasons, eyes.names),
        rules=frozenset(reason["rule"] for reason in row.reasons),
        said=raising_texts(row.reasons, texts),
        state=row.state,
        taken_by_id=row.taken_by_id,
        taken_by=row.taker or ("the last resort" if row.state == "taken" else None),
        raised_at=row.raised_at.astimezone(zone),
        due_at=due.astimezone(zone) if due else None,
        left=due - now if due else None,
        told_by_at=row.told_by_at.astimezone(zone) if row.told_by_at else None,
        age=now - row.raised_at,
        pages=row.pages,
        people=row.people,
        nobody_answered=row.state == "open"
        and (row.paged_stage >= eyes.everyone_at or (row.stage > 0 and not row.pages)),
        overdue=row.overdue,
    )
