"""Read the texts that have arrived: whose is it, what does it say, who must know, what do we answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.domain.carrier import CarrierWord, carrier_word
from monitor.domain.sending import Kind
from monitor.domain.terms import Band, Disposition, Intent, Presence, Trend
from monitor.errors import NotReady
from monitor.locking import hold_free, lock
from monitor.models import Alert, CheckIn, Inbound, Patient
from monitor.queries import Asked, episodes_of, last_asked, open_alert, open_checkin, patients_at, staff_at
from monitor.services.acknowledge import handle_staff_text, was_paged
from monitor.services.answer import answer, plan_answer
from monitor.services.assess import Read, read_for
from monitor.services.audit import record
from monitor.services.compose import local_moment, patient_text, sign_names
from monitor.services.isolation import Pass
from monitor.services.opt_out import opt_in, opt_out
from monitor.services.outbox import cancel_pages, queue_to_patient
from monitor.services.raise_alert import Finding, promised, raise_alert, reasons_json, review_reason
from monitor.services.read_unknown import give_to_a_person, read_unknown
from monitor.services.seed import bundle_of, current_version
from monitor.services.settle import add_task, end_checkins
from monitor.services.shared_phone import WHICH, ask_which, hear_which, named_patient

log = logging.getLogger(__name__)
BATCH = 100


def read_waiting(sessions: Sessions, clock: Clock) -> int:
    """Read every text that waits, in the order of arrival, each in a transaction of its own."""
    with transaction(sessions) as session:
        waiting = session.scalars(
            select(Inbound.id).where(Inbound.handled_at.is_(None)).order_by(Inbound.id).limit(BATCH)
        ).all()
    busy: set[str] = set()  # phones whose texts another worker is reading: the later ones are its own too
    with Pass("read") as each:
        for inbound_id in waiting:
            with each(inbound_id):
                _read_or_give(sessions, inbound_id, busy, clock)
    return len(waiting)


def _read_or_give(sessions: Sessions, inbound_id: int, busy: set[str], clock: Clock) -> None:
    try:
        with transaction(sessions) as session:
            number = session.get_one(Inbound, inbound_id).from_number
            if number in busy or not hold_free(session, {number}):
                busy.add(number)
                return
            inbound = lock(session, Inbound, inbound_id)
            if inbound.handled_at is None:
                read_one(session, inbound, now=clock.now())
    except NotReady:
        raise
    except Exception as error:  # noqa: BLE001 -- one text that breaks us must not hold up the others
        log.error("reading inbound %s failed: %s", inbound_id, type(error).__name__)
        give_to_a_person(sessions, inbound_id, type(error).__name__, now=clock.now())


def read_one(session: Session, inbound: Inbound, *, now: datetime) -> None:
    """Everything one text sets off. `result` says what it was taken for."""
    number = inbound.from_number
    staff, patients = staff_at(session, number), patients_at(session, number)
    paged = bool(staff) or was_paged(session, number)
    if paged and handle_staff_text(session, staff, inbound, also_patient=bool(patients), now=now):
        inbound.result = "staff"
    elif not patients:
        inbound.result = read_unknown(session, inbound, now=now)
    else:
        inbound.result = _read_patients(session, inbound, patients, now=now)
    inbound.handled_at = now


def _read_patients(session: Session, inbound: Inbound, patients: Sequence[Patient], *, now: datetime) -> str:
    """Score for every patient of this number (and each of their episodes); the worst one leads."""
    word = carrier_word(inbound.body, opted_out=any(p.opted_out_at for p in patients))
    policy = bundle_of(session, current_version(session).id).policy
    asked = last_asked(session, patients, inbound.received_at, policy.silence.question_open)
    reads = [
        read for patient in patients if (read := _read_patient(session, inbound, patient, asked, now=now)) is not None
    ]
    if not reads:
        return read_unknown(session, inbound, now=now)
    lead = next((r for r in reads if asked and r.episode.patient_id == asked.message.patient_id), _lead(reads, asked))
    opted_out = lead.episode.patient.opted_out_at is not None
    _follow_request(session, inbound, reads, asked, word, now=now)
    alert = _alert_for(session, inbound, lead, now=now)
    if len(patients) > 1:
        alert = _alert_others(session, inbound, reads, lead, now=now) or alert
    if opted_out or word is not None or lead.reading.intent in {Intent.STOP, Intent.START}:
        _emergency_line(session, lead, alert, now=now)
    elif asked is not None and asked.question == WHICH and (named := named_patient(patients, inbound.body)):
        hear_which(session, inbound, patients, reads, named, now=now)
    elif len(patients) > 1 and asked is None and lead.disposition in {Disposition.ALERT, Disposition.REVIEW}:
        ask_which(session, inbound, patients, lead, now=now)
        _emergency_line(session, lead, alert, now=now)
    else:
        turn = plan_answer(session, inbound, lead, alert, now=now)
        if turn.give_up and alert is None:
            why = ("we could not read the answer",)
            alert = _raise(session, inbound, lead, Band.SOON, kind="review", why=why, now=now)
        if turn.over and not turn.give_up and lead.disposition == Disposition.CLOSE:
            _end_silence(session, alert, now=now)
        answer(session, inbound, lead, alert, turn, now=now)
        if any(r is not lead and r.disposition == Disposition.ALERT for r in reads):
            ask_which(session, inbound, patients, lead, now=now)
    return f"{lead.disposition}:{lead.reading.intent}"


def _read_patient(
    session: Session, inbound: Inbound, patient: Patient, asked: Asked | None, *, now: datetime
) -> Read | None:
    """This patient's reading: over all episodes, the worst; a question counts for who was asked."""
    ours = asked if asked is not None and asked.message.patient_id == patient.id else None
    reads = []
    for episode in episodes_of(session, patient):
        same = ours is not None and ours.message.episode_id in {None, episode.id}
        checkin = _checkin_of(session, ours) if same else None
        question = asked.question if asked is not None else None
        reads.append(
            read_for(
                session,
                inbound,
                episode,
                question=question,
                checkin=checkin or open_checkin(session, episode),
                now=now,
            )
        )
    return _lead(reads, ours) if reads else None


def _checkin_of(session: Session, asked: Asked | None) -> CheckIn | None:
    return lock(session, CheckIn, asked.message.checkin_id) if asked and asked.message.checkin_id else None


def _lead(reads: Sequence[Read], asked: Asked | None) -> Read:
    """The most serious reading; among equals the episode that was asked, then the newest."""
    episode_id = asked.message.episode_id if asked else None
    return max(reads, key=lambda read: (*read.worst, read.episode.id == episode_id))


def _follow_request(
    session: Session,
    inbound: Inbound,
    reads: Sequence[Read],
    asked: Asked | None,
    word: CarrierWord | None,
    *,
    now: datetime,
) -> None:
    """STOP, START and an appointment called off: the effects that are not about the body."""
    for read in reads:
        patient, intent = read.episode.patient, read.reading.intent
        patient.bad_number_at = None  # whoever writes from a number has it in hand
        if word == CarrierWord.STOP or intent == Intent.STOP:
            opt_out(session, patient, inbound, read.bundle, day=read.day, by_carrier=word is not None, now=now)
        elif word == CarrierWord.START:
            opt_in(session, patient, now=now)
        if intent == Intent.WRONG_NUMBER:
            patient.bad_number_at = patient.bad_number_at or now
            end_checkins(session, patient, now=now)
            record(session, "wrong_number", at=now, patient_id=patient.id)
        called_off = word == CarrierWord.STOP and asked is not None and asked.question == "reminder"
        if called_off and inbound.body.strip().casefold() == "cancel":
            once = f"appointment:{inbound.id}:{patient.id}"
            add_task(
                session,
                "appointment",
                once,
                clinic_id=patient.clinic_id,
                patient_id=patient.id,
                inbound_id=inbound.id,
                now=now,
            )


def _alert_for(session: Session, inbound: Inbound, read: Read, *, now: datetime) -> Alert | None:
    """The alert this text raises, or the one that is open already."""
    subject = f"episode:{read.episode.id}"
    alert = open_alert(session, subject)
    if alert is not None:
        _note_correction(session, alert, read, now=now)
    if read.disposition == Disposition.ALERT:
        return _raise(session, inbound, read, read.scored.band, kind="finding", why=(), now=now)
    if read.disposition == Disposition.REVIEW:
        band = Band.URGENT if read.reading.may_be_red else Band.SOON
        return _raise(session, inbound, read, band, kind="review", why=read.reading.review, now=now)
    return alert


def _end_silence(session: Session, alert: Alert | None, *, now: datetime) -> None:
    """The questions were answered after all, and nobody needs to call about the silence."""
    if alert is not None and alert.kind == "silence" and alert.state == "open":
        alert.outcome, alert.state, alert.closed_at, alert.step_at = "answered", "closed", now, None
        cancel_pages(session, alert, why="the patient has answered", now=now)
        record(session, "alert_closed", at=now, alert_id=alert.id, patient_id=alert.patient_id, outcome="answered")


def _raise(
    session: Session,
    inbound: Inbound,
    read: Read,
    band: Band,
    *,
    kind: str,
    why: Sequence[str],
    now: datetime,
) -> Alert:
    patient = read.episode.patient
    review = [review_reason(inbound, reason, band) for reason in why]
    found = kind == "finding"
    return raise_alert(
        session,
        Finding(
            clinic=patient.clinic,
            kind=kind,
            band=band,
            day=read.day,
            version_id=read.episode.protocol_version_id,
            signs=[s.value for s in read.scored.signs] if found else [],
            reasons=[*(reasons_json(read.scored.reasons) if found else ()), *review],
            at_night=read.scored.at_night and found,
            patient=patient,
            episode=read.episode,
        ),
        bundle=read.bundle,
        now=now,
    )


def _note_correction(session: Session, alert: Alert, read: Read, *, now: datetime) -> None:
    """The patient takes a sign back: the alert stays and says so."""
    absent = {sign for sign, presence in read.reading.signs.items() if presence == Presence.ABSENT}
    better = {sign for sign, trend in read.reading.trend.items() if trend == Trend.BETTER}
    taken_back = [sign for sign in alert.signs if sign in absent | better]
    if taken_back:
        note = {
            "rule": "correction",
            "sign": None,
            "said": "",
            "band": Band.EXPECTED,
            "points": 0,
            "source": "patient",
        }
        alert.reasons = [
            *alert.reasons,
            {**note, "text": f"The patient now says no, or better: {', '.join(taken_back)}."},
        ]
        record(
            session,
            "alert_corrected",
            at=now,
            alert_id=alert.id,
            patient_id=alert.patient_id,
            signs=taken_back,
        )


def _alert_others(
    session: Session, inbound: Inbound, reads: Sequence[Read], lead: Read, *, now: datetime
) -> Alert | None:
    """A number shared by several patients: staff see each of them."""
    last = None
    for read in reads:
        if read is not lead:
            last = _alert_for(session, inbound, read, now=now) or last
    return open_alert(session, f"episode:{lead.episode.id}") or last


def _emergency_line(session: Session, read: Read, alert: Alert | None, *, now: datetime) -> None:
    """Somebody who wants no texts and reports an emergency gets one line, once."""
    if alert is None or read.disposition != Disposition.ALERT or read.scored.band != Band.EMERGENCY:
        return
    patient = read.episode.patient
    alert.told_by_at = promised(alert, patient.clinic, read.bundle, now=now)
    by = local_moment(alert.told_by_at, ZoneInfo(patient.timezone), patient.language)
    found = sign_names(read.bundle, patient, [s.value for s in read.scored.signs])
    queue_to_patient(
        session,
        patient,
        patient_text(read.bundle, patient, "close.emergency", found=found, by=by),
        once=f"emergency:{alert.id}",
        kind=Kind.EMERGENCY,
        due_at=now,
        now=now,
        alert_id=alert.id,
        episode_id=read.episode.id,
    )
