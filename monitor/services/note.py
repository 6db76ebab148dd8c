"""Write something down about a patient."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from monitor.db import storable
from monitor.errors import BadInput
from monitor.models import Note, Staff
from monitor.services.audit import record

MAX_NOTE = 2000


def add_note(
    session: Session, patient_id: int | None, text: str, *, by: Staff, now: datetime, alert_id: int | None = None
) -> Note:
    """A note is never changed: whoever was mistaken writes another. Of a number that nobody knows, it is about the
    alert. Raises BadInput."""
    words = storable(text).strip()
    if not words or len(words) > MAX_NOTE:
        raise BadInput("note", f"{len(words)} characters", f"1 to {MAX_NOTE} characters")
    note = Note(patient_id=patient_id, alert_id=alert_id, staff_id=by.id, text=words, at=now)
    session.add(note)
    session.flush()
    record(session, "note_added", at=now, patient_id=patient_id, alert_id=alert_id, note=note.id)
    return note
