"""Page staff until somebody has taken the alert and the patient has been helped."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.domain.bundle import Bundle
from monitor.domain.escalation import Decision, Paging, decide_paging, outcome_rests_until
from monitor.domain.sending import Kind
from monitor.domain.terms import Band
from monitor.locking import lock_if_free
from monitor.models import Alert, Clinic, Page, Patient
from monitor.queries import calendar_of, rota_of
from monitor.services.audit import record
from monitor.services.compose import local_moment, patient_text, staff_text
from monitor.services.isolation import Pass
from monitor.services.outbox import queue_to_number, queue_to_patient
from monitor.services.raise_alert import promised
from monitor.services.seed import bundle_of
from monitor.services.settle import add_task, stage_failed

MAX_SLIPS = 2
LINK_BYTES = 9  # random, in the address of a page; whoever follows it must sign in all the same
BATCH = 200


def escalate(sessions: Sessions, clock: Clock, *, public_url: str) -> int:
    """Take the next step for every alert whose time has come, and tell patients whose call is late."""
    with transaction(sessions) as session:
        still_open = select(Alert.id).where(Alert.closed_at.is_(None))
        due = session.scalars(still_open.where(Alert.step_at <= clock.now()).order_by(Alert.step_at)).all()
        late = session.scalars(still_open.where(Alert.told_by_at <= clock.now()).order_by(Alert.told_by_at)).all()
    with Pass("escalate") as each:
        for alert_id in each.sound_first(due)[:BATCH]:
            with each(alert_id), transaction(sessions) as session:
                if alert := lock_if_free(session, Alert, alert_id):
                    _step(session, alert, public_url, now=clock.now())
        for stuck in [alert_id for alert_id in due if alert_id in each.failed]:
            with each(stuck), transaction(sessions) as session:
                _list_stuck(session, stuck, now=clock.now())
    with Pass("late promises") as each:
        for alert_id in each.sound_first(late)[:BATCH]:
            with each(alert_id), transaction(sessions) as session:
                if alert := lock_if_free(session, Alert, alert_id):
                    tell_slip(session, alert, now=clock.now())
    return len(due)


def _list_stuck(session: Session, alert_id: int, *, now: datetime) -> None:
    """Where paging itself breaks, the front desk at least learns that this alert needs somebody."""
    clinic_id, patient_id = session.execute(select(Alert.clinic_id, Alert.patient_id).where(Alert.id == alert_id)).one()
    once = f"alert_stuck:{alert_id}"
    add_task(session, "alert_stuck", once, clinic_id=clinic_id, patient_id=patient_id, now=now)


def _step(session: Session, alert: Alert, public_url: str, *, now: datetime) -> None:
    if alert.closed_at is not None or alert.step_at is None or alert.step_at > now:
        return  # somebody acted between the list and the lock
    clinic, bundle = session.get_one(Clinic, alert.clinic_id), bundle_of(session, alert.protocol_version_id)
    if alert.state == "taken":
        rest = outcome_rests_until(Band(alert.band), now, bundle.policy, calendar_of(clinic, now))
        if rest > now:
            alert.step_at = rest
            return
    paging = Paging(
        band=Band(alert.band),
        at_night=alert.at_night,
        stage=alert.stage,
        rounds=alert.rounds,
        taken=alert.state == "taken",
        stage_failed=stage_failed(session, alert),
    )
    decision = decide_paging(
        paging,
        rota_of(session, clinic),
        now,
        policy=bundle.policy,
        calendar=calendar_of(clinic, now),
        has_last_resort=clinic.last_resort_phone is not None,
    )
    overdue = alert.state == "taken" or alert.overdue
    if alert.state == "taken":
        record(session, "outcome_overdue", at=now, alert_id=alert.id, patient_id=alert.patient_id)
        alert.state, alert.taken_at, alert.taken_by_id, alert.overdue = "open", None, None, True
    alert.stage, alert.rounds, alert.step_at = decision.stage, decision.rounds, decision.next_at
    _send_pages(session, alert, clinic, bundle, decision, overdue=overdue, public_url=public_url, now=now)


def _send_pages(
    session: Session,
    alert: Alert,
    clinic: Clinic,
    bundle: Bundle,
    decision: Decision,
    *,
    overdue: bool,
    public_url: str,
    now: datetime,
) -> None:
    for stage in decision.unmanned:
        record(session, "nobody_on_call", at=now, alert_id=alert.id, stage=stage)
    recipients: list[tuple[int | None, str]] = [(p.id, p.phone) for p in decision.people]
    if decision.last_resort and clinic.last_resort_phone:
        recipients.append((None, clinic.last_resort_phone))
    if not recipients and decision.unmanned:
        record(session, "nobody_to_page", at=now, alert_id=alert.id)
    for staff_id, phone in recipients:
        page = write_page(session, alert, staff_id, phone, now=now)
        body = page_body(session, alert, clinic, bundle, page, overdue=overdue, public_url=public_url)
        _queue_page(session, alert, clinic, page, body, "sms", now=now)
        if decision.ring:
            spoken = staff_text(bundle, clinic, "staff.call", band=alert.band, day=alert.day)
            _queue_page(session, alert, clinic, page, spoken, "call", now=now)
    if recipients:
        record(
            session,
            "paged",
            at=now,
            alert_id=alert.id,
            stage=decision.stage_name,
            people=[i for i, _ in recipients],
        )


def write_page(session: Session, alert: Alert, staff_id: int | None, phone: str, *, now: datetime) -> Page:
    """A page with a code that this phone has never had."""
    page = Page(
        alert_id=alert.id,
        staff_id=staff_id,
        phone=phone,
        code=_new_code(session, phone),
        link=secrets.token_urlsafe(LINK_BYTES),
        stage=alert.stage,
        rounds=alert.rounds,
        created_at=now,
    )
    session.add(page)
    session.flush()
    return page


def page_body(
    session: Session,
    alert: Alert,
    clinic: Clinic,
    bundle: Bundle,
    page: Page,
    *,
    overdue: bool,
    public_url: str,
) -> str:
    """Band, clinic, initials, chart, day, signs, link, and last of all the code."""
    return staff_text(
        bundle,
        clinic,
        "staff.overdue" if overdue else "staff.page",
        **subject_fields(session, alert, bundle),
        band=alert.band.upper(),
        link=f"{public_url.rstrip('/')}/a/{page.link}",
        code=page.code,
    )


def subject_fields(session: Session, alert: Alert, bundle: Bundle) -> dict[str, object]:
    """Who and what, as staff read it: initials and chart number, never a name."""
    patient = session.get(Patient, alert.patient_id) if alert.patient_id else None
    names = [bundle.protocol.signs.get(sign, sign) for sign in alert.signs]  # type: ignore[call-overload]
    what = ", ".join(names) or {"silence": "no answer to our texts"}.get(alert.kind, "a message to read")
    if patient is not None and patient.opted_out_at is not None:
        what += " (cannot be texted: call)"
    return {
        "initials": patient.initials if patient else "unknown number",
        "chart": (patient.chart if patient else None) or "-",
        "day": alert.day if patient else "?",
        "signs": what,
    }


def _queue_page(
    session: Session, alert: Alert, clinic: Clinic, page: Page, body: str, channel: str, *, now: datetime
) -> None:
    queue_to_number(
        session,
        clinic,
        page.phone,
        body,
        once=f"page:{page.id}:{channel}",
        kind=Kind.PAGE,
        staff_id=page.staff_id,
        alert=alert,
        channel=channel,
        now=now,
        expires_after=timedelta(hours=1),
    )


def _new_code(session: Session, phone: str) -> str:
    """Four digits, more as they are used up; never one that this phone was given before."""
    used = set(session.scalars(select(Page.code).where(Page.phone == phone)))
    for digits in (4, 5, 6):
        low, high = 10 ** (digits - 1), 10**digits
        if len(used) < 0.6 * high:
            free = (str(low + secrets.randbelow(high - low)) for _ in range(1000))
            code = next((c for c in free if c not in used), None)
            if code is not None:
                return code
    raise RuntimeError("all reply codes of this phone are used up")


def tell_slip(session: Session, alert: Alert, *, now: datetime) -> None:
    """The promised call is late: say so, name a new time; the second time, ask the patient to call."""
    if alert.closed_at is not None or alert.told_by_at is None or alert.told_by_at > now:
        return
    patient = session.get(Patient, alert.patient_id) if alert.patient_id else None
    bundle = bundle_of(session, alert.protocol_version_id)
    missed, alert.slips = alert.told_by_at, alert.slips + 1
    last = alert.slips >= MAX_SLIPS
    alert.told_by_at = None
    if not last:
        alert.told_by_at = promised(alert, session.get_one(Clinic, alert.clinic_id), bundle, now=now)
    record(session, "promise_slipped", at=now, alert_id=alert.id, patient_id=alert.patient_id, slips=alert.slips)
    if patient is None:
        return
    zone = ZoneInfo(patient.timezone)
    fields = {"by": local_moment(missed, zone, patient.language)}
    if alert.told_by_at is not None:
        fields["time"] = local_moment(alert.told_by_at, zone, patient.language)
    body = patient_text(bundle, patient, "slip.last" if last else "slip", **fields)
    once = f"slip:{alert.id}:{int(missed.timestamp())}"
    queue_to_patient(session, patient, body, once=once, kind=Kind.ANSWER, due_at=now, now=now, alert_id=alert.id)
