"""Record what happened: one appended line, ids and codes only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

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
