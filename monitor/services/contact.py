"""Correct what is known of a patient: name, number, language, chart number."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.domain.bundle import Bundle
from monitor.domain.delivery import State
from monitor.domain.phone import parse_phone
from monitor.errors import BadInput
from monitor.locking import hold
from monitor.models import Message, Patient
from monitor.services.audit import record
from monitor.services.clinic import check_name, region_of


def change_contact(
    session: Session,
    patient: Patient,
    *,
    bundle: Bundle,
    now: datetime,
    name: str,
    phone: str,
    language: str,
    chart: str = "",
) -> None:
    """What waits to leave goes to the new number. A number that was dead is tried anew. Raises BadInput."""
    number = parse_phone("phone", phone, region=region_of(patient.clinic))
    if language not in bundle.languages:
        raise BadInput("language", language, "one of " + ", ".join(bundle.languages))
    checked = check_name("name", name)
    _refuse_twin(session, patient, checked, number)
    changed = [field for field, old, new in _differences(patient, checked, number, language, chart) if old != new]
    patient.name, patient.language = checked, language
    patient.chart = check_name("chart", chart, 40) if chart else None
    if number != patient.phone:
        _move_to(session, patient, number)
    record(session, "contact_changed", at=now, patient_id=patient.id, fields=changed)


def _differences(
    patient: Patient, name: str, phone: str, language: str, chart: str
) -> tuple[tuple[str, str | None, str | None], ...]:
    return (
        ("name", patient.name, name),
        ("phone", patient.phone, phone),
        ("language", patient.language, language),
        ("chart", patient.chart, chart or None),
    )


def _refuse_twin(session: Session, patient: Patient, name: str, phone: str) -> None:
    """Two people may share a phone, but not the name as well: texts would be scored for both."""
    same = select(Patient).where(
        Patient.clinic_id == patient.clinic_id, Patient.phone == phone, Patient.id != patient.id
    )
    if any(other.name.casefold() == name.casefold() for other in session.scalars(same)):
        raise BadInput("phone", phone, "a number that no patient of the same name has")


def _move_to(session: Session, patient: Patient, number: str) -> None:
    """The phone's own lock is held: what it says is read for whoever it belongs to at that moment."""
    hold(session, patient.phone, number)
    patient.phone, patient.bad_number_at = number, None
    waiting = update(Message).where(Message.patient_id == patient.id, Message.state == State.PLANNED)
    session.execute(waiting.values(to_number=number).execution_options(synchronize_session=False))
