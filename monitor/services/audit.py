"""Record what happened: one appended line, ids and codes only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from monitor.db import insert_many
from monitor.models import Event, Staff

PROGRAM = "system"
_ACTOR, _CLINIC = "who acts", "of which clinic"  # among what a session knows


def act_as(session: Session, person: Staff) -> None:
    """From here on, what this transaction records was done by this member of staff."""
    session.info[_ACTOR], session.info[_CLINIC] = actor_of(person.id), person.clinic_id


def actor_of(staff_id: int) -> str:
    """A member of staff as the log names them."""
    return f"staff:{staff_id}"


def record(
    session: Session,
    kind: str,
    *,
    at: datetime,
    actor: str | None = None,
    clinic_id: int | None = None,
    patient_id: int | None = None,
    alert_id: int | None = None,
    message_id: int | None = None,
    **detail: Any,
) -> None:
    """Append one event. `detail` must never hold a patient's name, number or words."""
    session.add(
        Event(
            at=at,
            kind=kind,
            actor=actor or session.info.get(_ACTOR, PROGRAM),
            clinic_id=clinic_id or session.info.get(_CLINIC),
            patient_id=patient_id,
            alert_id=alert_id,
            message_id=message_id,
            detail=detail,
        )
    )


def record_many(session: Session, kind: str, rows: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Append an event of one kind for each of many patients: their `patient_id` and `detail`."""
    same = {
        "at": at,
        "kind": kind,
        "actor": session.info.get(_ACTOR, PROGRAM),
        "clinic_id": session.info.get(_CLINIC),
    }
    insert_many(session, Event, [{**same, **row} for row in rows])
