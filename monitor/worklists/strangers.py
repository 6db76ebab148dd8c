"""Numbers that nobody knows and that wait for somebody: what was said, by them and by us."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Subquery, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from monitor.domain.terms import Band
from monitor.models import Alert, Clinic, Episode, Inbound, Message, Note, Patient, Staff, Task
from monitor.worklists.inbox import are_open
from monitor.worklists.said import words_said
from monitor.worklists.timeline import Entry

SHOWN = 6  # texts of a number
AT_MOST = 100  # numbers on a page
PHONE = "phone:"  # before the number in the subject of its alert


@dataclass(frozen=True, slots=True)
class Said:
    """One text; `ours` is what the clinic or the program wrote."""

    id: int
    ours: bool
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Stranger:
    """A number that waits. What stands of an alert is empty if it raised none."""

    number: str
    since: datetime
    said: tuple[Said, ...]
    words: tuple[str, ...]
    band: Band | None
    kind: str
    alert_id: int | None
    version_id: int | None
    taken_by_id: int | None
    taken_by: str | None
    patient: str | None
    patient_id: int | None
    episode_id: int | None

    @property
    def seen(self) -> tuple[object, ...]:
        """What whoever acts has seen."""
        return self.alert_id, self.band, self.taken_by_id, len(self.words), max((s.id for s in self.said), default=0)


def strangers(
    session: Session, clinic_id: int, zone: ZoneInfo, *, number: str | None = None
) -> tuple[list[Stranger], int]:
    """The worst first, then the oldest; and how many there are. `number` asks for that one alone."""
    waiting = _waiting(clinic_id)
    chosen = select(waiting) if number is None else select(waiting).where(waiting.c.number == number)
    first = chosen.order_by(waiting.c.rank.desc(), waiting.c.since, waiting.c.number).limit(AT_MOST)
    since: dict[str, datetime] = {row.number: row.since for row in session.execute(first)}
    alerts = _alerts(session, clinic_id, since)
    said = _said(session, clinic_id, since, zone)
    known = _known(session, clinic_id, since)
    found = [
        _stranger(one, at.astimezone(zone), said[one], alerts.get(one), known.get(one)) for one, at in since.items()
    ]
    return found, session.scalar(select(func.count()).select_from(chosen.subquery())) or 0


def talk_about(session: Session, alert: Alert, zone: ZoneInfo) -> list[Entry]:
    """What the unknown number of this alert wrote, what it was answered and what was noted; the newest first."""
    number = alert.subject.removeprefix("phone:")
    said = _said(session, alert.clinic_id, [number], zone).get(number, ())
    texts = [
        Entry(at=one.at, look="out", title="Answer", body=one.body)
        if one.ours
        else Entry(at=one.at, look="in", title="They wrote", body=one.body)
        for one in said
    ]
    noted = session.execute(
        select(Note, Staff.name).join(Staff, Staff.id == Note.staff_id).where(Note.alert_id == alert.id)
    )
    notes = [
        Entry(at=note.at.astimezone(zone), look="note", title=f"Note by {by}", body=note.text) for note, by in noted
    ]
    return sorted([*texts, *notes], key=lambda entry: entry.at, reverse=True)


def _stranger(
    number: str,
    since: datetime,
    said: Sequence[Said],
    raised: tuple[Alert, str | None] | None,
    patient: tuple[str, int, int] | None,
) -> Stranger:
    alert, taker = raised or (None, None)
    return Stranger(
        number=number,
        since=since,
        said=tuple(said),
        words=words_said(alert.reasons) if alert else (),
        band=Band(alert.band) if alert else None,
        kind=alert.kind if alert else "",
        alert_id=alert.id if alert else None,
        version_id=alert.protocol_version_id if alert else None,
        taken_by_id=alert.taken_by_id if alert else None,
        taken_by=taker or ("the last resort" if alert and alert.state == "taken" else None),
        patient=patient[0] if patient else None,
        patient_id=patient[1] if patient else None,
        episode_id=patient[2] if patient else None,
    )


def _alerts(session: Session, clinic_id: int, numbers: Collection[str]) -> Mapping[str, tuple[Alert, str | None]]:
    found = session.execute(
        select(Alert, Staff.name)
        .outerjoin(Staff, Staff.id == Alert.taken_by_id)
        .where(*_open_alerts(clinic_id), Alert.subject.in_([f"{PHONE}{number}" for number in numbers]))
    )
    return {alert.subject.removeprefix(PHONE): (alert, taker) for alert, taker in found}


def _open_alerts(clinic_id: int) -> tuple[ColumnElement[bool], ...]:
    return Alert.clinic_id == clinic_id, Alert.closed_at.is_(None)


def _waiting(clinic_id: int) -> Subquery:
    """Each number once, by its tasks and its alert: how bad it is (0 without an alert), and since when."""
    listed = (
        select(Inbound.from_number.label("number"), Task.opened_at.label("since"), literal(0).label("rank"))
        .join(Inbound, Inbound.id == Task.inbound_id)
        .where(*are_open(clinic_id), Task.kind == "unknown_number")
    )
    rank = case({band.value: band.rank for band in Band}, value=Alert.band, else_=0)
    number = func.substr(Alert.subject, len(PHONE) + 1)
    raised = select(number, Alert.opened_at, rank).where(*_open_alerts(clinic_id), Alert.subject.startswith(PHONE))
    each = union_all(listed, raised).subquery()
    worst, first = func.max(each.c.rank).label("rank"), func.min(each.c.since).label("since")
    return select(each.c.number, worst, first).group_by(each.c.number).subquery()


def _said(session: Session, clinic_id: int, numbers: Collection[str], zone: ZoneInfo) -> Mapping[str, Sequence[Said]]:
    """The last texts of each number and ours to it, the newest last."""
    said: dict[str, list[Said]] = defaultdict(list)
    if session.scalar(select(func.min(Clinic.id))) == clinic_id:  # texts that nobody's patient wrote are the first's
        place = func.row_number().over(partition_by=Inbound.from_number, order_by=Inbound.id.desc())
        theirs = select(Inbound.id, Inbound.from_number, Inbound.body, Inbound.received_at, place.label("place")).where(
            Inbound.from_number.in_(numbers), Inbound.result == "unknown_number"
        )
        each = theirs.subquery()
        for row in session.execute(select(each).where(each.c.place <= SHOWN)):
            said[row.from_number].append(Said(row.id, False, row.body, row.received_at.astimezone(zone)))
    place = func.row_number().over(partition_by=Message.to_number, order_by=Message.id.desc())
    ours = select(Message.to_number, Message.body, Message.created_at, place.label("place")).where(
        Message.to_number.in_(numbers),
        Message.clinic_id == clinic_id,
        Message.patient_id.is_(None),
        Message.staff_id.is_(None),
        Message.alert_id.is_(None),
        Message.body.is_not(None),
    )
    answers = ours.subquery()
    for row in session.execute(select(answers).where(answers.c.place <= SHOWN).order_by(answers.c.place)):
        said[row.to_number].append(Said(0, True, row.body or "", row.created_at.astimezone(zone)))
    for number in said:
        said[number] = sorted(said[number], key=lambda one: one.at)[-SHOWN:]
    return said


def _known(session: Session, clinic_id: int, numbers: Collection[str]) -> Mapping[str, tuple[str, int, int]]:
    """Numbers that have become a patient's of this clinic since."""
    rows = session.execute(
        select(Patient.phone, Patient.name, Patient.id, func.max(Episode.id))
        .join(Episode, Episode.patient_id == Patient.id)
        .where(Patient.phone.in_(numbers), Patient.clinic_id == clinic_id)
        .group_by(Patient.phone, Patient.name, Patient.id)
    )
    return {phone: (name, patient_id, episode) for phone, name, patient_id, episode in rows}
