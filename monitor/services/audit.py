"""Record what happened: one appended line, ids and codes only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from monitor.db import insert_many
from monitor.models import Event


def record(
    session: Session,
    kind: str,
    *,
    at: datetime,
    actor: str = "system",
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
            actor=actor,
            patient_id=patient_id,
            alert_id=alert_id,
            message_id=message_id,
            detail=detail,
        )
    )


def record_many(session: Session, kind: str, rows: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Append an event of one kind for each of many patients: their `patient_id` and `detail`."""
    insert_many(session, Event, [{"at": at, "kind": kind, **row} for row in rows])
