"""Staff take an alert and record its outcome: by SMS code, keypress, command or page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.bundle import Bundle
from monitor.domain.sending import Kind
from monitor.domain.terms import Band
from monitor.errors import BadInput, NotFound
from monitor.models import Alert, Clinic, Inbound, Message, Page, Patient, Staff
from monitor.services.audit import record
from monitor.services.compose import staff_text
from monitor.services.outbox import cancel_pages, queue_to_number
from monitor.services.seed import bundle_of, current_version

CODE = re.compile(r"(?<!\d)(\d{4,6})(?!\d)")
LETTER = re.compile(r"(?<![a-z])([a-z])(?![a-z'])", re.IGNORECASE)
YES = frozenset({"ok", "okay", "k", "yes", "y", "on it", "taking it", "mine", "got it"})
NOT_HELPED = "not_reached"  # the one outcome that does not end an alert


def handle_staff_text(
    session: Session, staff: Sequence[Staff], inbound: Inbound, *, also_patient: bool, now: datetime
) -> bool:
    """Take or close what a code names. Nobody in `staff`: the last-resort number, which has pages too.
    False if this is no reply to a page and the number may be a patient's."""
    text = inbound.body.strip()
    page = _page_named(session, inbound.from_number, text)
    open_pages = _open_pages(session, inbound.from_number)
    if page is None and text.casefold().strip(" .!") in YES and len(open_pages) == 1:
        page = open_pages[0]
    elif page is None and LETTER.fullmatch(text.strip(" .!")):
        page = _only_taken(session, staff)
    person = staff[0] if staff else None
    if page is None:
        if person is None or (also_patient and not CODE.fullmatch(text)):
            return False
        many = len(open_pages) > 1 and text.casefold().strip(" .!") in YES
        _reply(
            session,
            person.clinic_id,
            inbound,
            "staff.which" if many else "staff.unknown",
            now=now,
            staff_id=person.id,
            count=len(open_pages),
        )
        record(session, "staff_text_unmatched", at=now, actor=f"staff:{person.id}", inbound=inbound.id)
        return True
    person = next((s for s in staff if s.id == page.staff_id), person)
    _act_on_page(session, page, person, inbound, CODE.sub(" ", text), now=now)
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
    actor = f"staff:{by.id}" if by else "last resort"
    record(session, "alert_taken", at=now, actor=actor, alert_id=alert.id, patient_id=alert.patient_id, how=how)
    return True


def record_outcome(
    session: Session, alert: Alert, outcome: str, *, by: Staff | None, now: datetime, note: str | None = None
) -> None:
    """What came of it. "Not reached" hands the alert back to paging; every other outcome closes it."""
    bundle = bundle_of(session, alert.protocol_version_id)
    if outcome not in bundle.protocol.outcomes:
        raise BadInput("outcome", outcome, "one of " + ", ".join(bundle.protocol.outcomes))
    if alert.closed_at is not None:
        raise BadInput("alert", alert.id, "an alert that is not closed yet")
    actor = f"staff:{by.id}" if by else "system"
    record(
        session,
        "outcome",
        at=now,
        actor=actor,
        alert_id=alert.id,
        patient_id=alert.patient_id,
        outcome=outcome,
    )
    alert.note = note
    if outcome == NOT_HELPED:
        alert.state, alert.taken_at, alert.taken_by_id = "open", None, None
        alert.step_at = now + bundle.policy.bands[Band(alert.band)].next_tier
        return
    alert.state, alert.outcome, alert.closed_at, alert.step_at = "closed", outcome, now, None
    cancel_pages(session, alert, why="an outcome was recorded", now=now)


def take_by_keypress(session: Session, message_id: int, *, now: datetime) -> Alert | None:
    """A key was pressed in the call that is this message."""
    page = page_of_message(session, message_id)
    if page is None:
        return None
    alert = session.get_one(Alert, page.alert_id, with_for_update=True)
    person = session.get(Staff, page.staff_id) if page.staff_id else None
    page.acked_at = page.acked_at or now
    if take(session, alert, by=person, how="keypress", now=now):
        _send_details(session, alert, page, now=now)
    return alert


def page_of_message(session: Session, message_id: int) -> Page | None:
    message = session.get(Message, message_id)
    if message is None or message.kind != Kind.PAGE:
        return None
    return session.get(Page, int(message.once.split(":")[1]))


def outcome_list(bundle: Bundle) -> str:
    """The outcomes as staff choose them by letter: "A advised by phone, B seen ...".

    The letter is the outcome's place in the protocol.
    """
    return ", ".join(f"{chr(65 + n)} {text}" for n, text in enumerate(bundle.protocol.outcomes.values()))


def _act_on_page(
    session: Session, page: Page, person: Staff | None, inbound: Inbound, rest: str, *, now: datetime
) -> None:
    alert = session.get_one(Alert, page.alert_id, with_for_update=True)
    bundle = bundle_of(session, alert.protocol_version_id)
    page.acked_at = page.acked_at or now
    outcome = _outcome_in(bundle, rest)
    staff_id = person.id if person else None
    reply = partial(_reply, session, alert.clinic_id, inbound, now=now, staff_id=staff_id)
    if outcome is not None and alert.closed_at is None:
        if alert.state == "open":
            take(session, alert, by=person, how="sms", now=now)
        record_outcome(session, alert, outcome, by=person, now=now)
        key = "staff.handed_back" if outcome == NOT_HELPED else "staff.closed"
        reply(key, found=bundle.protocol.outcomes[outcome])
    elif take(session, alert, by=person, how="sms", now=now):
        _send_details(session, alert, page, now=now)
    elif alert.state == "taken" and alert.taken_by_id == staff_id:
        reply("staff.choose", code=page.code, list=outcome_list(bundle))
    else:
        taker = session.get(Staff, alert.taken_by_id) if alert.taken_by_id else None
        reply("staff.already", name=taker.name if taker else "Somebody")


def _outcome_in(bundle: Bundle, rest: str) -> str | None:
    letter = LETTER.search(rest)
    index = ord(letter.group(1).upper()) - 65 if letter else -1
    names = list(bundle.protocol.outcomes)
    return names[index] if 0 <= index < len(names) else None


def _send_details(session: Session, alert: Alert, page: Page, *, now: datetime) -> None:
    """What whoever took it needs now: whom to call, and how to record the outcome."""
    clinic, bundle = session.get_one(Clinic, alert.clinic_id), bundle_of(session, alert.protocol_version_id)
    patient = session.get(Patient, alert.patient_id) if alert.patient_id else None
    body = staff_text(
        bundle,
        clinic,
        "staff.taken",
        initials=patient.initials if patient else "unknown number",
        chart=(patient.chart if patient else None) or "-",
        day=alert.day,
        phone=patient.phone if patient else alert.subject.removeprefix("phone:"),
        code=page.code,
        list=outcome_list(bundle),
    )
    once = f"taken:{alert.id}:{page.id}:{int(now.timestamp())}"
    queue_to_number(
        session,
        clinic,
        page.phone,
        body,
        once=once,
        kind=Kind.ANSWER,
        staff_id=page.staff_id,
        alert=alert,
        now=now,
    )


def _reply(
    session: Session,
    clinic_id: int,
    inbound: Inbound,
    key: str,
    *,
    now: datetime,
    staff_id: int | None,
    **fields: object,
) -> None:
    clinic = session.get_one(Clinic, clinic_id)
    bundle = bundle_of(session, current_version(session).id)
    body = staff_text(bundle, clinic, key, **fields)
    once = f"staffreply:{inbound.id}"
    queue_to_number(session, clinic, inbound.from_number, body, once=once, kind=Kind.ANSWER, staff_id=staff_id, now=now)


def _page_named(session: Session, number: str, text: str) -> Page | None:
    codes = CODE.findall(text)
    if not codes:
        return None
    return session.scalar(select(Page).where(Page.phone == number, Page.code.in_(codes)).limit(1))


def _open_pages(session: Session, number: str) -> Sequence[Page]:
    """The newest page of each alert that nobody has taken."""
    pages = session.scalars(
        select(Page)
        .join(Alert, Alert.id == Page.alert_id)
        .where(Page.phone == number, Alert.state == "open")
        .order_by(Page.id)
    ).all()
    return list({page.alert_id: page for page in pages}.values())


def _only_taken(session: Session, staff: Sequence[Staff]) -> Page | None:
    """The page of the one alert this person holds, for a bare outcome letter."""
    ids = [person.id for person in staff]
    held = session.scalars(select(Alert).where(Alert.state == "taken", Alert.taken_by_id.in_(ids))).all()
    if len(held) != 1:
        return None
    return session.scalar(
        select(Page).where(Page.alert_id == held[0].id, Page.staff_id.in_(ids)).order_by(Page.id.desc()).limit(1)
    )


def find_alert(session: Session, alert_id: int) -> Alert:
    alert = session.get(Alert, alert_id, with_for_update=True)
    if alert is None:
        raise NotFound("alert", alert_id, "an alert's number, as `monitor alert list` shows them")
    return alert
