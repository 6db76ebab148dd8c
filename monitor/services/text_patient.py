"""Somebody of the staff texts a patient. Whatever the patient answers to it, a person reads."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from monitor.db import storable
from monitor.domain.sending import Kind
from monitor.domain.terms import STAFF
from monitor.errors import BadInput
from monitor.models import Patient
from monitor.services.audit import record
from monitor.services.outbox import queue_to_patient

MAX_TEXT = 459  # three segments of GSM-7


def check_words(words: str) -> str:
    """What somebody typed, fit to be sent. Raises BadInput."""
    body = storable(words).strip()
    if not body or len(body) > MAX_TEXT:
        raise BadInput("body", f"{len(body)} characters", f"1 to {MAX_TEXT} characters")
    return body


def text_patient(
    session: Session,
    patient: Patient,
    words: str,
    *,
    once: str,
    now: datetime,
    episode_id: int | None = None,
    alert_id: int | None = None,
) -> bool:
    """Put it in the outbox, due at once; False if this very form was sent before. Raises BadInput."""
    body = check_words(words)
    if patient.opted_out_at is not None:
        raise BadInput("body", "a patient who wants no texts", "a call: no text may leave until they text START")
    if patient.bad_number_at is not None:
        raise BadInput("body", "a wrong number", "the right one first, below 'Contact'")
    message = queue_to_patient(
        session,
        patient,
        body,
        once=f"console:{once[:40]}",
        kind=Kind.ANSWER,
        due_at=now,
        now=now,
        question=STAFF,
        episode_id=episode_id,
        alert_id=alert_id,
    )
    if message is None:
        return False
    session.flush()
    record(session, "texted", at=now, patient_id=patient.id, alert_id=alert_id, message_id=message.id)
    return True
