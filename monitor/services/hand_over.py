"""Hand an alert to a colleague: they have it from then on, and are told by text with all they need."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from monitor.domain.sending import Kind
from monitor.errors import BadInput
from monitor.models import Alert, Clinic, Staff
from monitor.services.acknowledge import details_of, take
from monitor.services.audit import record
from monitor.services.escalate import write_page
from monitor.services.outbox import queue_to_number


def hand_over(session: Session, alert: Alert, to: Staff, *, by: Staff, now: datetime) -> None:
    """The clock for an outcome goes on as it was: it is the patient who waits. Whoever hands on what nobody had has
    taken it, and its clock starts. If the text to the colleague is lost, it is paged anew. Raises BadInput."""
    if alert.closed_at is not None:
        raise BadInput("to", to.name, "somebody who is to act on an open alert: this one is closed")
    if alert.state == "taken" and alert.taken_by_id == to.id:
        raise BadInput("to", to.name, "somebody who does not have it already")
    if to.left_at is not None or to.clinic_id != alert.clinic_id:
        raise BadInput("to", to.name, "somebody who works at this clinic")
    take(session, alert, by=by, how="console", now=now)
    alert.taken_by_id, alert.taken_at = to.id, now
    record(session, "alert_handed_over", at=now, alert_id=alert.id, patient_id=alert.patient_id, staff=to.id)
    page = write_page(session, alert, to.id, to.phone, now=now)
    body, once = details_of(session, alert, page), f"handed:{page.id}"
    clinic = session.get_one(Clinic, alert.clinic_id)
    queue_to_number(session, clinic, to.phone, body, once=once, kind=Kind.ANSWER, staff_id=to.id, alert=alert, now=now)
