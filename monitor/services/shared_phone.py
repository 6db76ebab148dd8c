"""Two patients on one phone: ask whom a text was about, and tell staff what the sender said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from monitor.domain.sending import Kind
from monitor.domain.terms import Band
from monitor.models import Alert, Inbound, Patient
from monitor.queries import episodes_of, open_alert
from monitor.services.answer import tell_of_alert
from monitor.services.assess import Read
from monitor.services.audit import record
from monitor.services.compose import patient_text
from monitor.services.outbox import queue_to_patient

WHICH = "which"


def ask_which(session: Session, inbound: Inbound, patients: Sequence[Patient], lead: Read, *, now: datetime) -> None:
    """Ask who a worrying text is about; staff have been told of both already."""
    names = " ".join(f"{number} {patient.initials}" for number, patient in enumerate(patients, start=1))
    patient = lead.episode.patient
    queue_to_patient(
        session,
        patient,
        patient_text(lead.bundle, patient, "ask.which", list=names),
        once=f"which:{inbound.id}",
        kind=Kind.ANSWER,
        due_at=now,
        now=now,
        question=WHICH,
    )


def named_patient(patients: Sequence[Patient], body: str) -> Patient | None:
    """The patient whose number in our list, initials or name is all that a text says."""
    said = "".join(c for c in body.casefold() if c.isalnum())
    for number, patient in enumerate(patients, start=1):
        names = {str(number), patient.initials, patient.name, *patient.name.split()}
        if said in {"".join(c for c in name.casefold() if c.isalnum()) for name in names}:
            return patient
    return None


def hear_which(
    session: Session,
    inbound: Inbound,
    patients: Sequence[Patient],
    reads: Sequence[Read],
    named: Patient,
    *,
    now: datetime,
) -> None:
    """Both alerts stay with staff and now say who was meant; the sender learns who calls by when."""
    read = next(r for r in reads if r.episode.patient_id == named.id)
    for alert in (a for patient in patients for a in _open_alerts(session, patient)):
        note = {"rule": "sender", "sign": None, "said": inbound.body[:60], "band": Band.EXPECTED, "points": 0}
        text = f"The sender says that this is about {named.initials}"
        alert.reasons = [*alert.reasons, {**note, "text": text, "source": "patient"}]
        record(session, "sender_named", at=now, alert_id=alert.id, patient_id=named.id)
    for alert in _open_alerts(session, named)[:1]:
        tell_of_alert(session, inbound, read, alert, now=now)


def _open_alerts(session: Session, patient: Patient) -> list[Alert]:
    found = (open_alert(session, f"episode:{episode.id}") for episode in episodes_of(session, patient))
    return [alert for alert in found if alert is not None]
