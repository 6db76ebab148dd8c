"""Answer a patient's text: what the conversation decides, written, queued, and any promise recorded."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.conversation import Dialogue, Line, Turn, decide_turn
from monitor.domain.delivery import State
from monitor.domain.sending import Kind
from monitor.domain.terms import Band, Disposition, Intent, Sign
from monitor.models import Alert, Inbound, Message, Patient
from monitor.queries import asked_again_lately, next_checkin_at, questions_asked
from monitor.services.assess import Read
from monitor.services.audit import record
from monitor.services.compose import clinic_fields, local_day, local_moment, patient_text, sign_names
from monitor.services.outbox import cancel, queue_to_patient
from monitor.services.raise_alert import promised

# Somebody often sends a second text on the heels of the first: the answer waits a moment to be one answer.
SETTLE = timedelta(seconds=2)
PROMISES = ("close.emergency", "close.urgent", "close.soon", "close.review", "reply.reschedule")


def plan_answer(session: Session, inbound: Inbound, read: Read, alert: Alert | None, *, now: datetime) -> Turn:
    """What is to be said to this text, and where that leaves the check-in."""
    turn = _turn(session, inbound, read, alert, now=now)
    _move_checkin(read, turn, now=now)
    return turn


def answer(session: Session, inbound: Inbound, read: Read, alert: Alert | None, turn: Turn, *, now: datetime) -> None:
    """Queue it. An answer that has not left yet is taken back: this one replaces it."""
    _take_back(session, read.episode.patient, now=now)
    for number, line in enumerate(turn.lines):
        _queue_line(session, inbound, read, alert, line, number=number, now=now)


def tell_of_alert(session: Session, inbound: Inbound, read: Read, alert: Alert, *, now: datetime) -> None:
    """Say that the team knows of this alert and calls by when."""
    line = Line((f"close.{alert.band}",), urgent=True)
    _queue_line(session, inbound, read, alert, line, number=0, now=now)


def _turn(session: Session, inbound: Inbound, read: Read, alert: Alert | None, *, now: datetime) -> Turn:
    checkin = read.checkin
    dialogue = Dialogue(
        question=read.question,
        asked=questions_asked(session, read.episode.patient, checkin, now),
        answered=frozenset(checkin.answered) if checkin else frozenset(),
        in_checkin=checkin is not None,
        reasked=checkin.reasked if checkin else asked_again_lately(session, read.episode, inbound, now),
        told=Band(alert.band) if alert is not None and _was_told(alert) else None,
    )
    if read.reading.intent == Intent.WRONG_NUMBER and read.disposition == Disposition.REVIEW:
        return Turn((Line(("reply.wrong_number",)),))  # whoever has this phone is promised nothing
    if read.reading.intent == Intent.HELP and read.disposition == Disposition.CLOSE:
        return Turn((Line(("reply.help",)),))
    return decide_turn(
        read.bundle.protocol,
        dialogue,
        read.reading,
        findings=read.findings,
        band=read.scored.band if read.disposition == Disposition.ALERT else Band.EXPECTED,
        disposition=read.disposition,
        follow_ups=frozenset(read.scored.ask),
        bare_number=inbound.body.strip().isdigit(),
    )


def _was_told(alert: Alert) -> bool:
    """Whether what the patient was told still fits: a worse finding is told anew."""
    return alert.told_by_at is not None and alert.told_band == alert.band


def _move_checkin(read: Read, turn: Turn, *, now: datetime) -> None:
    checkin = read.checkin
    if checkin is None:
        return
    checkin.answered_at = now
    checkin.answered = sorted(turn.answered)
    checkin.reasked = checkin.reasked or turn.reasked
    if turn.over:
        checkin.state, checkin.closed_at = ("partial" if turn.give_up else "answered"), now


def _queue_line(
    session: Session,
    inbound: Inbound,
    read: Read,
    alert: Alert | None,
    line: Line,
    *,
    number: int,
    now: datetime,
) -> None:
    patient = read.episode.patient
    keys, kind = line.keys, Kind.EMERGENCY if line.keys[0] == "close.emergency" else Kind.ANSWER
    promise = keys[0] in PROMISES
    if promise and alert is not None:
        _promise(session, read, alert, now=now)
    keys = tuple(_fitting(session, key, read, alert, now=now) for key in keys)
    body = patient_text(read.bundle, patient, *keys, **_fields(session, inbound, read, alert, now=now))
    queue_to_patient(
        session,
        patient,
        body,
        once=f"{'promise' if promise else 'answer'}:{inbound.id}:{number}",
        kind=kind,
        due_at=now if promise or line.urgent else now + SETTLE,
        now=now,
        question=line.ask.name if line.ask else None,
        checkin_id=read.checkin.id if read.checkin else None,
        episode_id=read.episode.id,
        alert_id=alert.id if alert else None,
    )


def _promise(session: Session, read: Read, alert: Alert, *, now: datetime) -> None:
    clinic = read.episode.patient.clinic
    alert.told_by_at = promised(alert, clinic, read.bundle, now=now)
    alert.told_band = alert.band
    record(
        session,
        "patient_told",
        at=now,
        patient_id=alert.patient_id,
        alert_id=alert.id,
        who="clinic",
        by=alert.told_by_at.isoformat(),
    )


def _fitting(session: Session, key: str, read: Read, alert: Alert | None, *, now: datetime) -> str:
    """The variant that fits the moment: at night, for an appointment, after the last check-in."""
    if key == "close.urgent" and alert is not None and alert.told_by_at is not None:
        by_day = now + read.bundle.policy.bands[Band(alert.band)].tell_patient
        return _night_text(read) if alert.told_by_at > by_day else key
    if key == "close.review" and read.reading.intent == Intent.RESCHEDULE:
        return "reply.reschedule"
    if key == "close.expected" and next_checkin_at(session, read.episode.patient, now) is None:
        return "close.last"
    return key


def _night_text(read: Read) -> str:
    """Where the number for the night is the emergency number, it is named once; a version of the protocol
    that was stored before there was a text for that names it twice."""
    patient = read.episode.patient
    numbers, once = clinic_fields(patient.clinic), "close.night_emergency"
    same = numbers["out_of_hours"] == numbers["emergency"]
    return once if same and once in read.bundle.catalogue(patient.language).texts else "close.night"


def _fields(session: Session, inbound: Inbound, read: Read, alert: Alert | None, *, now: datetime) -> dict[str, object]:
    """Everything an answer may fill in."""
    patient, zone = read.episode.patient, ZoneInfo(read.episode.patient.timezone)
    upcoming = next_checkin_at(session, patient, now)
    told = alert.signs if alert is not None else []
    present = [s.value for s in read.scored.signs] or sorted(s.value for s in read.reading.present()) or list(told)
    return {
        "day": read.day,
        "found": sign_names(read.bundle, patient, present),
        "count": _count(inbound, read),
        "by": local_moment(alert.told_by_at, zone, patient.language) if alert and alert.told_by_at else "",
        "date": local_day(upcoming, zone, patient.language) if upcoming else "",
    }


def _count(inbound: Inbound, read: Read) -> str:
    """The number that was read, to be said back."""
    if read.reading.by_digit:
        return " ".join(inbound.body.split())[:8]
    if read.reading.pain is not None:
        return str(read.reading.pain)
    if Sign.PAIN in read.reading.signs and not read.reading.has(Sign.PAIN):
        return "0"
    return str(read.reading.temp_c) if read.reading.temp_c is not None else " ".join(inbound.body.split())[:8]


def _take_back(session: Session, patient: Patient, *, now: datetime) -> None:
    """What the provider has refused to take so far was on its way: with a promise in it, it must still arrive."""
    waiting = select(Message).where(
        Message.patient_id == patient.id,
        Message.kind == Kind.ANSWER,
        Message.state == State.PLANNED,
        Message.attempts == 0,
        Message.due_at > now,
    )
    for message in session.scalars(waiting):
        if not message.once.startswith("promise:"):
            cancel(session, message, why="a further text came; one answer serves both", now=now)
