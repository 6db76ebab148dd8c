"""Staff take an alert and record its outcome: by SMS code, keypress, command or page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.db import storable
from monitor.domain.bundle import Bundle
from monitor.domain.protocol import NOT_REACHED
from monitor.domain.sending import Kind
from monitor.domain.terms import Band
from monitor.errors import BadInput, NotFound
from monitor.locking import lock
from monitor.models import Alert, Clinic, Inbound, Message, Page, Patient, Staff
from monitor.queries import staff_at
from monitor.services.audit import PROGRAM, actor_of, record
from monitor.services.compose import staff_text
from monitor.services.escalate import subject_fields
from monitor.services.note import add_note
from monitor.services.outbox import cancel_pages, queue_to_number
from monitor.services.pages_meant import (
    CODE,
    addressee,
    beside_codes,
    find_open_pages,
    holds,
    is_outdated,
    is_yes,
    letters,
    pages_meant,
    pages_of,
)
from monitor.services.seed import bundle_of, current_version

MAX_NOTE = 400  # characters, on an outcome
LONGEST = 1500  # characters; the provider takes 1600


def handle_staff_text(
    session: Session, staff: Sequence[Staff], inbound: Inbound, *, also_patient: bool, now: datetime
) -> bool:
    """Take or close what codes name. Nobody in `staff`: the last-resort number, which has pages too.
    False if this is no reply to a page and the number may be a patient's."""
    text = inbound.body.strip()
    pages = pages_meant(session, staff, inbound.from_number, text)
    if not pages:
        return _say_unmatched(session, staff, inbound, also_patient=also_patient, now=now)
    rest = beside_codes(text, pages)
    bodies = [_act_on_page(session, page, addressee(page, staff), rest, now=now) for page in pages]
    clinic = session.get_one(Clinic, session.get_one(Alert, pages[0].alert_id).clinic_id)
    person = addressee(pages[0], staff)
    for n, body in enumerate(_as_texts(bodies)):
        once = f"staffreply:{inbound.id}:{n}"
        staff_id = person.id if person else None
        queue_to_number(
            session, clinic, inbound.from_number, body, once=once, kind=Kind.ANSWER, staff_id=staff_id, now=now
        )
    return True


def was_paged(session: Session, number: str) -> bool:
    """Whether a number that need not be a member of staff's has pages: the last resort."""
    return session.scalar(select(Page.id).where(Page.phone == number).limit(1)) is not None


def take(session: Session, alert: Alert, *, by: Staff | None, how: str, now: datetime) -> bool:
    """Somebody has it: paging stops, the clock for an outcome starts. False if it was taken before."""
    if alert.state != "open":
        return False
    bundle = bundle_of(session, alert.protocol_version_id)
    alert.state, alert.taken_at, alert.taken_by_id = "taken", now, by.id if by else None
    alert.step_at = now + bundle.policy.bands[Band(alert.band)].outcome
    cancel_pages(session, alert, why="somebody has taken it", now=now)
    record(
        session,
        "alert_taken",
        at=now,
        actor=actor_of(by.id) if by else "last resort",
        clinic_id=alert.clinic_id,
        alert_id=alert.id,
        patient_id=alert.patient_id,
        how=how,
    )
    return True


def record_outcome(
    session: Session, alert: Alert, outcome: str, *, by: Staff | None, now: datetime, note: str | None = None
) -> None:
    """What came of it. "Not reached" hands the alert back to paging; every other outcome closes it. A `note` on it
    stands with the patient's others, where whoever is next looks."""
    bundle, words = bundle_of(session, alert.protocol_version_id), storable(note or "").strip()
    if len(words) > MAX_NOTE:
        raise BadInput("note", f"{len(words)} characters", f"at most {MAX_NOTE} characters")
    if outcome not in bundle.protocol.outcomes:
        raise BadInput("outcome", outcome, "one of " + ", ".join(bundle.protocol.outcomes))
    if alert.closed_at is not None:
        raise BadInput("alert", alert.id, "an alert that is not closed yet")
    record(
        session,
        "outcome",
        at=now,
        actor=actor_of(by.id) if by else PROGRAM,
        clinic_id=alert.clinic_id,
        alert_id=alert.id,
        patient_id=alert.patient_id,
        outcome=outcome,
    )
    alert.note = words or None
    if words and by is not None:
        add_note(session, alert.patient_id, words, by=by, alert_id=alert.id, now=now)
    if outcome == NOT_REACHED:
        alert.state, alert.taken_at, alert.taken_by_id = "open", None, None
        alert.step_at = now + bundle.policy.bands[Band(alert.band)].next_tier
        return
    alert.state, alert.outcome, alert.closed_at, alert.step_at = "closed", outcome, now, None
    cancel_pages(session, alert, why="an outcome was recorded", now=now)


def take_by_keypress(session: Session, message_id: int, *, now: datetime) -> str | None:
    """A key was pressed in the call that is this message: what to say; None if it is nobody's call any more."""
    page = page_of_message(session, message_id)
    staff = staff_at(session, page.phone) if page else []
    if page is None or session.scalar(pages_of(page.phone, staff).where(Page.id == page.id)) is None:
        return None
    alert = lock(session, Alert, page.alert_id)
    clinic, person = session.get_one(Clinic, alert.clinic_id), addressee(page, staff)
    page.acked_at = page.acked_at or now
    if alert.state == "open" and is_outdated(page, alert):
        return _worse(session, alert)
    if take(session, alert, by=person, how="keypress", now=now):
        body, once = details_of(session, alert, page), f"taken:{alert.id}:{page.id}:{int(now.timestamp())}"
        queue_to_number(
            session, clinic, page.phone, body, once=once, kind=Kind.ANSWER, staff_id=page.staff_id, alert=alert, now=now
        )
    if holds(person, alert):
        return _text(session, alert, "staff.call_taken")
    return _already(session, alert, "staff.call_already")


def page_of_message(session: Session, message_id: int) -> Page | None:
    message = session.get(Message, message_id)
    if message is None or message.kind != Kind.PAGE:
        return None
    return session.get(Page, int(message.once.split(":")[1]))


def outcome_list(bundle: Bundle) -> str:
    """The outcomes as staff choose them by letter: "A advised by phone, B seen ...".

    The letter is the outcome's place in the protocol.
    """
    return ", ".join(f"{chr(65 + n)} {each.words}" for n, each in enumerate(bundle.protocol.outcomes.values()))


def _act_on_page(session: Session, page: Page, person: Staff | None, rest: str, *, now: datetime) -> str:
    """Do what the reply to this page asks for, and say what came of it."""
    alert = lock(session, Alert, page.alert_id)
    bundle = bundle_of(session, alert.protocol_version_id)
    page.acked_at = page.acked_at or now
    outcome = _outcome_in(bundle, rest)
    if is_outdated(page, alert) and not holds(person, alert):
        # Whoever replies has read what the alert was, and can neither take nor close what it is now.
        return _worse(session, alert) if alert.state == "open" else _already(session, alert)
    if outcome is not None and alert.closed_at is None:
        if alert.state == "open":
            take(session, alert, by=person, how="sms", now=now)
        record_outcome(session, alert, outcome, by=person, now=now)
        key = "staff.handed_back" if outcome == NOT_REACHED else "staff.closed"
        return _text(session, alert, key, found=bundle.protocol.outcomes[outcome].words)
    if take(session, alert, by=person, how="sms", now=now):
        return details_of(session, alert, page)
    if holds(person, alert):
        return _text(session, alert, "staff.choose", code=page.code, list=outcome_list(bundle))
    return _already(session, alert)


def _say_unmatched(
    session: Session, staff: Sequence[Staff], inbound: Inbound, *, also_patient: bool, now: datetime
) -> bool:
    """A member of staff wrote what names no page: say so, unless it may be a patient's text."""
    text = inbound.body.strip()
    if not staff or (also_patient and not CODE.fullmatch(text)):
        return False
    pages = find_open_pages(session, staff, inbound.from_number)
    clinic, bundle = session.get_one(Clinic, staff[0].clinic_id), bundle_of(session, current_version(session).id)
    if len(pages) == 1:
        body = _name_the_page(session, pages[0])
    else:
        key = "staff.which" if pages and is_yes(text) else "staff.unknown"
        body = staff_text(bundle, clinic, key, count=len(pages))
    queue_to_number(
        session,
        clinic,
        inbound.from_number,
        body,
        once=f"staffreply:{inbound.id}",
        kind=Kind.ANSWER,
        staff_id=staff[0].id,
        now=now,
    )
    record(
        session, "staff_text_unmatched", at=now, actor=actor_of(staff[0].id), clinic_id=clinic.id, inbound=inbound.id
    )
    return True


def _name_the_page(session: Session, page: Page) -> str:
    """What was written names no page, and only this one can be meant: say which it is and what takes it."""
    alert, key = session.get_one(Alert, page.alert_id), "staff.unknown_one"
    known = bundle_of(session, current_version(session).id).catalogue("en").texts
    if is_outdated(page, alert) or key not in known:  # a new code is on its way; a version of before that text
        key = "staff.unknown"
    fields = subject_fields(session, alert, bundle_of(session, alert.protocol_version_id))
    return _text(session, alert, key, **fields, code=page.code)


def _outcome_in(bundle: Bundle, rest: str) -> str | None:
    """The outcome that is chosen by a letter and nothing else: a sentence is no choice."""
    letter, names = letters(rest).upper(), list(bundle.protocol.outcomes)
    index = ord(letter) - ord("A") if len(letter) == 1 else -1
    return names[index] if 0 <= index < len(names) else None


def details_of(session: Session, alert: Alert, page: Page) -> str:
    """What whoever took it needs now: what it is, whom to call, and how to record the outcome."""
    bundle = bundle_of(session, alert.protocol_version_id)
    patient = session.get(Patient, alert.patient_id) if alert.patient_id else None
    fields = {
        **subject_fields(session, alert, bundle),
        "band": alert.band,
        "phone": patient.phone if patient else alert.subject.removeprefix("phone:"),
        "code": page.code,
        "list": outcome_list(bundle),
    }
    return _text(session, alert, "staff.taken", **fields)


def _worse(session: Session, alert: Alert) -> str:
    fields = subject_fields(session, alert, bundle_of(session, alert.protocol_version_id))
    return _text(session, alert, "staff.worse", band=alert.band, signs=fields["signs"])


def _already(session: Session, alert: Alert, key: str = "staff.already") -> str:
    taker = session.get(Staff, alert.taken_by_id) if alert.taken_by_id else None
    return _text(session, alert, key, name=taker.name if taker else "Somebody")


def _text(session: Session, alert: Alert, key: str, **fields: object) -> str:
    bundle = bundle_of(session, current_version(session).id)
    return staff_text(bundle, session.get_one(Clinic, alert.clinic_id), key, **fields)


def _as_texts(bodies: Sequence[str]) -> Sequence[str]:
    """One text, or as few as hold it all: the provider refuses one that is too long."""
    texts: list[str] = []
    for body in dict.fromkeys(bodies):
        if texts and len(texts[-1]) + 1 + len(body) <= LONGEST:
            texts[-1] += f"\n{body}"
        else:
            texts.append(body)
    return texts


def find_alert(session: Session, alert_id: int) -> Alert:
    if session.get(Alert, alert_id) is None:
        raise NotFound("alert", alert_id, "an alert's number, as `monitor alert list` shows them")
    return lock(session, Alert, alert_id)
