"""Numbers that nobody knows and that wait for somebody: what was said, by them and by us."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.domain.terms import Band
from monitor.models import Alert, Clinic, Episode, Inbound, Message, Note, Patient, Staff, Task
from monitor.worklists.alerts import words_said
from monitor.worklists.inbox import are_open
from monitor.worklists.timeline import Entry

SHOWN = 6  # texts of a number
AT_MOST = 100  # numbers on a page


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


def strangers(session: Session, clinic_id: int, zone: ZoneInfo) -> list[Stranger]:
    """The worst first, then the oldest."""
    alerts = _alerts(session, clinic_id)
    waiting: dict[str, datetime] = dict(_listed(session, clinic_id))
    for number, (alert, _) in alerts.items():
        waiting[number] = min(alert.opened_at, waiting.get(number, alert.opened_at))
    said = _said(session, clinic_id, waiting, zone)
    known = _known(session, clinic_id, waiting)
    found = [
        _stranger(number, since.astimezone(zone), said[number], alerts.get(number), known.get(number))
        for number, since in waiting.items()
    ]
    return sorted(found, key=lambda one: (-(one.band.rank if one.band else 0), one.since, one.number))[:AT_MOST]


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


def _alerts(session: Session, clinic_id: int) -> Mapping[str, tuple[Alert, str | None]]:
    found = session.execute(
        select(Alert, Staff.name)
        .outerjoin(Staff, Staff.id == Alert.taken_by_id)
        .where(Alert.clinic_id == clinic_id, Alert.closed_at.is_(None), Alert.subject.startswith("phone:"))
    )
    return {alert.subject.removeprefix("phone:"): (alert, taker) for alert, taker in found}


def _listed(session: Session, clinic_id: int) -> list[tuple[str, datetime]]:
    rows = session.execute(
        select(Inbound.from_number, func.min(Task.opened_at))
        .join(Inbound, Inbound.id == Task.inbound_id)
        .where(*are_open(clinic_id), Task.kind == "unknown_number")
        .group_by(Inbound.from_number)
    )
    return [(number, since) for number, since in rows]


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
    answers = select(Message.to_number, Message.body, Message.created_at).where(
        Message.to_number.in_(numbers),
        Message.clinic_id == clinic_id,
        Message.patient_id.is_(None),
        Message.staff_id.is_(None),
        Message.alert_id.is_(None),
        Message.body.is_not(None),
    )
    for number, body, at in session.execute(answers.order_by(Message.id.desc()).limit(SHOWN * AT_MOST)):
        said[number].append(Said(0, True, body or "", at.astimezone(zone)))
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
