"""Read a text that no patient's number sent, and give to a person what the program cannot handle."""

from __future__ import annotations

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.db import Sessions, transaction
from monitor.domain.carrier import carrier_word
from monitor.domain.findings import Findings, facts_of
from monitor.domain.localtime import local_date
from monitor.domain.messages import render
from monitor.domain.plan import postop_day
from monitor.domain.score import Assessment as Scored
from monitor.domain.score import assess
from monitor.domain.sending import Kind
from monitor.domain.terms import Band
from monitor.errors import NotReady
from monitor.locking import lock
from monitor.logs import place_of
from monitor.models import Clinic, Episode, Inbound, Task
from monitor.queries import episodes_of, patients_at
from monitor.services.assess import interpret_text
from monitor.services.audit import record
from monitor.services.clinic import the_clinic
from monitor.services.compose import clinic_fields
from monitor.services.outbox import queue_to_number
from monitor.services.raise_alert import Finding, raise_alert, reasons_json, review_reason
from monitor.services.seed import bundle_of, current_version
from monitor.services.settle import add_task

log = logging.getLogger(__name__)
UNKNOWN_DAY = 30  # a stranger is read as one past the days on which some signs are usual
MAX_ATTEMPTS = 3


def read_unknown(session: Session, inbound: Inbound, *, now: datetime) -> str:
    """A number nobody knows: scored all the same, listed for the front desk, answered once a day."""
    clinic, version = the_clinic(session), current_version(session)
    bundle = bundle_of(session, version.id)
    reading = interpret_text(inbound, bundle, question=None, day=UNKNOWN_DAY, language="en")
    scored = assess(bundle.protocol, facts_of(Findings().joined(reading, inbound.body), UNKNOWN_DAY))
    once = f"unknown:{inbound.from_number}:{local_date(now, ZoneInfo(clinic.timezone))}"
    if not _is_listed(session, inbound.from_number):
        listed = f"unknown:{inbound.id}"
        add_task(session, "unknown_number", listed, clinic_id=clinic.id, inbound_id=inbound.id, now=now)
    if scored.band >= Band.SOON or reading.may_be_red:
        finding = _finding(inbound, scored, clinic, version.id, may_be_red=reading.may_be_red)
        raise_alert(session, finding, bundle=bundle, now=now)
    if carrier_word(inbound.body, opted_out=False) is None and inbound.from_number.startswith("+"):
        body = render(bundle.catalogue("en"), "reply.unknown", **clinic_fields(clinic))
        queue_to_number(session, clinic, inbound.from_number, body, once=once, kind=Kind.ANSWER, now=now)
    return "unknown_number"


def _is_listed(session: Session, number: str) -> bool:
    """Whether the front desk has this number before it; once it is dealt with, a further text is new work."""
    waiting = select(Task.id).join(Inbound, Inbound.id == Task.inbound_id)
    of_number = Task.kind == "unknown_number", Task.closed_at.is_(None), Inbound.from_number == number
    return session.scalar(waiting.where(*of_number).limit(1)) is not None


def _finding(inbound: Inbound, scored: Scored, clinic: Clinic, version_id: int, *, may_be_red: bool) -> Finding:
    """What a person must look at; words that may hold a red sign are as urgent as for a patient."""
    band = max(scored.band, Band.URGENT if may_be_red else Band.SOON)
    review = [review_reason(inbound, "unknown number", band)] if may_be_red or not scored.reasons else []
    return Finding(
        clinic=clinic,
        kind="finding" if scored.band >= Band.SOON else "review",
        band=band,
        day=0,
        version_id=version_id,
        signs=[s.value for s in scored.signs],
        reasons=[*reasons_json(scored.reasons), *review],
        at_night=scored.at_night,
        phone=inbound.from_number,
    )


def give_to_a_person(sessions: Sessions, inbound_id: int, error: str, *, now: datetime) -> None:
    """A text that we cannot handle is tried again, and then becomes staff work: never dropped. Where not even
    an alert can be raised, the front desk has it, and the texts behind it are read."""
    try:
        _page_somebody(sessions, inbound_id, error, now=now)
    except NotReady:
        raise
    except Exception as failure:  # noqa: BLE001 -- the last net under every text
        log.error("giving inbound %s to a person failed: %s", inbound_id, place_of(failure))
        with transaction(sessions) as session:
            inbound = lock(session, Inbound, inbound_id)
            once = f"unreadable:{inbound_id}"
            patient = next(iter(patients_at(session, inbound.from_number)), None)  # their clinic reads it, no other
            clinic_id, patient_id = (patient.clinic_id, patient.id) if patient else (the_clinic(session).id, None)
            add_task(
                session, "unreadable", once, clinic_id=clinic_id, patient_id=patient_id, inbound_id=inbound_id, now=now
            )
            inbound.handled_at, inbound.result = now, "failed"


def _page_somebody(sessions: Sessions, inbound_id: int, error: str, *, now: datetime) -> None:
    with transaction(sessions) as session:
        inbound = lock(session, Inbound, inbound_id)
        inbound.attempts += 1
        if inbound.attempts < MAX_ATTEMPTS or inbound.handled_at is not None:
            return
        record(session, "reading_failed", at=now, inbound=inbound_id, error=error)
        patients = patients_at(session, inbound.from_number)
        patient = patients[0] if patients else None
        episodes = episodes_of(session, patient) if patient else []
        clinic, version = patient.clinic if patient else the_clinic(session), current_version(session)
        finding = Finding(
            clinic=clinic,
            kind="review",
            band=Band.URGENT,
            day=_day_of(episodes[0], now) if episodes else 0,
            version_id=version.id,
            reasons=[review_reason(inbound, "the program could not handle this text", Band.URGENT)],
            patient=patient,
            episode=episodes[0] if episodes else None,
            phone=inbound.from_number,
        )
        raise_alert(session, finding, bundle=bundle_of(session, version.id), now=now)
        inbound.handled_at, inbound.result = now, "failed"


def _day_of(episode: Episode, now: datetime) -> int:
    return max(postop_day(episode.surgery_on, now, ZoneInfo(episode.patient.timezone)), 0)
