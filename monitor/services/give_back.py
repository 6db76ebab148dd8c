"""Hand an alert back to paging: whoever had it cannot go on with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.locking import lock
from monitor.models import Alert, Page
from monitor.services.audit import record


def give_back(session: Session, alert_id: int, *, why: str, now: datetime) -> None:
    """It is nobody's again, and whoever is on call is paged at once."""
    alert = lock(session, Alert, alert_id)
    if alert.closed_at is not None or alert.state != "taken":
        return
    alert.state, alert.taken_at, alert.taken_by_id, alert.step_at = "open", None, None, now
    record(
        session,
        "alert_given_back",
        at=now,
        clinic_id=alert.clinic_id,
        alert_id=alert.id,
        patient_id=alert.patient_id,
        why=why,
    )


def give_back_all(session: Session, staff_id: int, *, why: str, now: datetime) -> list[int]:
    """Every alert that this person has, and what only waited for their answer: the next are
    paged at once."""
    mine = select(Alert.id).where(Alert.closed_at.is_(None), Alert.taken_by_id == staff_id).order_by(Alert.id)
    held = list(session.scalars(mine))
    for alert_id in held:
        give_back(session, alert_id, why=why, now=now)
    for alert_id in _waiting_for(session, staff_id):
        alert = lock(session, Alert, alert_id)
        if alert.is_work():
            alert.step_at = now
    return held


def _waiting_for(session: Session, staff_id: int) -> Sequence[int]:
    """Open alerts of which nobody but this person was told at the present step."""
    last = select(Page.alert_id).where(
        Page.alert_id == Alert.id, Page.stage == Alert.stage, Page.rounds == Alert.rounds
    )
    told, others = last.where(Page.staff_id == staff_id), last.where(Page.staff_id.is_distinct_from(staff_id))
    is_open = Alert.closed_at.is_(None), Alert.state == "open"
    waiting = select(Alert.id).where(*is_open, told.exists(), ~others.exists())
    return session.scalars(waiting.order_by(Alert.id)).all()
