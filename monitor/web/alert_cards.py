"""The open alerts beside the phones: why somebody is being paged, and what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.domain.terms import Band
from monitor.models import Alert, Clinic, Page, Patient, Staff

SHOWN = 12
KINDS = {"silence": "no answer to our texts", "review": "a message to read"}


@dataclass(frozen=True, slots=True)
class AlertCard:
    """One open alert; times are the clinic's."""

    id: int
    band: Band
    who: str
    phone: str
    day: int
    what: str
    reasons: tuple[str, ...]
    taken_by: str | None
    pages: int
    raised_at: datetime
    next_at: datetime | None


def read_alerts(session: Session) -> list[AlertCard]:
    """The worst first, then the one raised first."""
    pages = select(func.count(Page.id)).where(Page.alert_id == Alert.id).scalar_subquery()
    found = session.execute(
        select(Alert, Patient, Staff.name, Clinic.timezone, pages)
        .join(Clinic, Clinic.id == Alert.clinic_id)
        .outerjoin(Patient, Patient.id == Alert.patient_id)
        .outerjoin(Staff, Staff.id == Alert.taken_by_id)
        .where(Alert.closed_at.is_(None))
    )
    ordered = sorted(found, key=lambda row: (-Band(row[0].band).rank, row[0].raised_at))
    return [_card(alert, patient, taker, ZoneInfo(zone), count) for alert, patient, taker, zone, count in ordered]


def _card(alert: Alert, patient: Patient | None, taker: str | None, zone: ZoneInfo, pages: int) -> AlertCard:
    names = ", ".join(sign.replace("_", " ") for sign in alert.signs)
    taken = (taker or "the last resort") if alert.state == "taken" else None
    return AlertCard(
        id=alert.id,
        band=Band(alert.band),
        who=patient.initials if patient else "Unknown number",
        phone=patient.phone if patient else alert.subject.removeprefix("phone:"),
        day=alert.day,
        what=names or KINDS.get(alert.kind, alert.kind),
        reasons=tuple(reason["text"] for reason in alert.reasons),
        taken_by=taken,
        pages=pages,
        raised_at=alert.raised_at.astimezone(zone),
        next_at=alert.step_at.astimezone(zone) if alert.step_at else None,
    )
