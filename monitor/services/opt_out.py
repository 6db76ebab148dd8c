"""Stop and start texting a patient, as they ask."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from monitor.domain.bundle import Bundle
from monitor.domain.sending import Kind
from monitor.models import Inbound, Patient
from monitor.services.audit import record
from monitor.services.compose import patient_text
from monitor.services.outbox import queue_to_patient
from monitor.services.settle import add_task, end_checkins

FOLLOW_BY_PHONE_TO_DAY = 14


def opt_out(
    session: Session,
    patient: Patient,
    inbound: Inbound,
    bundle: Bundle,
    *,
    day: int,
    by_carrier: bool,
    now: datetime,
) -> None:
    """No more texts. The carrier confirms its own words; any other wording we confirm once."""
    if patient.opted_out_at is not None:
        return
    patient.opted_out_at = now
    end_checkins(session, patient, now=now)
    record(session, "opted_out", at=now, patient_id=patient.id, how="carrier word" if by_carrier else "own words")
    if not by_carrier:
        queue_to_patient(
            session,
            patient,
            patient_text(bundle, patient, "reply.stop"),
            once=f"optout:{inbound.id}",
            kind=Kind.NOTICE,
            due_at=now,
            now=now,
        )
    if day <= FOLLOW_BY_PHONE_TO_DAY:
        once = f"opted_out:{inbound.id}"
        add_task(
            session,
            "opted_out",
            once,
            clinic_id=patient.clinic_id,
            patient_id=patient.id,
            inbound_id=inbound.id,
            now=now,
        )


def opt_in(session: Session, patient: Patient, *, now: datetime) -> None:
    """Texts again: only the carrier's own START does this, and the carrier confirms it."""
    if patient.opted_out_at is not None:
        patient.opted_out_at = None
        record(session, "opted_in", at=now, patient_id=patient.id)
