"""Move a text to its next state and draw the consequences: the one place where a state is changed by events."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.db import one_of
from monitor.domain.delivery import FINAL, LEFT_OUT, NOT_SHOWN, Remedy, State, may_move, remedy_for
from monitor.domain.sending import NUMBER_IS_DEAD, SCHEDULED, TOLD_TO_TAKER, Kind
from monitor.locking import add_once, lock
from monitor.models import Alert, CheckIn, Episode, Event, Message, Page, Patient, Task
from monitor.services.audit import record
from monitor.services.give_back import give_back
from monitor.services.outbox import cancel, exists

RESEND_AFTER = timedelta(hours=1)


def settle(
    session: Session,
    message: Message,
    state: State,
    *,
    now: datetime,
    why: str | None = None,
    code: int | None = None,
) -> bool:
    """Make the move if the table of states allows it; False if it came too late to matter."""
    if not may_move(State(message.state), state):
        return False
    message.state = state
    message.worker = message.lease_until = None
    message.why = why if why is not None else message.why
    message.error_code = code if code is not None else message.error_code
    if state in FINAL:
        message.ended_at = now
        record(
            session,
            f"message_{state}",
            at=now,
            message_id=message.id,
            patient_id=message.patient_id,
            code=code,
        )
    _follow(session, message, state, code, now=now)
    return True


def open_asked(session: Session, sent: Collection[int], *, now: datetime) -> None:
    """The check-ins of many texts that were sent just now, as `settle` would open each."""
    asked = select(Message.checkin_id).where(one_of(session, Message.id, sent), Message.kind == Kind.CHECKIN)
    planned = update(CheckIn).where(CheckIn.id.in_(asked), CheckIn.state == "planned")
    opened = planned.values(state="open", opened_at=now, closed_at=None, asked_at=now)
    session.execute(opened.execution_options(synchronize_session=False))


def _follow(session: Session, message: Message, state: State, code: int | None, *, now: datetime) -> None:
    if message.checkin_id and message.kind == Kind.CHECKIN:
        _move_checkin(session, message, state, now=now)
    if state == State.DELIVERED:
        _drop_resend(session, message, now=now)
        _note_living_number(session, message, now=now)
    if state not in LEFT_OUT:
        return
    if message.staff_id is not None and state in NOT_SHOWN:
        _colleague_not_reached(session, message, now=now)
    if message.kind == Kind.PAGE:
        page_was_lost(session, message, now=now)
    elif message.kind == Kind.ANSWER and message.once.startswith(TOLD_TO_TAKER):
        _taker_not_told(session, message, now=now)
    elif _was_never_asked(session, message, state):
        once = f"checkin_missed:{message.checkin_id}"
        add_task(session, "checkin_missed", once, clinic_id=message.clinic_id, now=now, message=message)
    elif message.kind == Kind.DIGEST:
        _colleague_not_reached(session, message, now=now)
    elif message.body is None and state == State.FAILED:  # it was never written, so another try changes nothing
        once = f"text_broken:{message.id}"
        add_task(session, "text_broken", once, clinic_id=message.clinic_id, now=now, message=message)
    elif message.patient_id and (state in NOT_SHOWN or _was_tried(message, state)):
        _patient_not_reached(session, message, code or message.error_code, now=now)


def _was_tried(message: Message, state: State) -> bool:
    """Whether a text ran out of time because the provider would not take it, not because it came too late."""
    return state == State.EXPIRED and message.attempts > 0


def _was_never_asked(session: Session, message: Message, state: State) -> bool:
    """Whether a check-in passes that no try was made to ask: after an outage of ours, or to a dead number."""
    if message.kind != Kind.CHECKIN or message.attempts > 0:
        return False
    passed = state == State.EXPIRED or (state == State.SKIPPED and message.why == NUMBER_IS_DEAD)
    return passed and session.get_one(CheckIn, message.checkin_id).answered_at is None


def _note_living_number(session: Session, message: Message, *, now: datetime) -> None:
    """A phone that showed a text is not dead, unless it is somebody else's."""
    patient = session.get(Patient, message.patient_id) if message.patient_id else None
    if patient is None or patient.bad_number_at is None or message.to_number != patient.phone:
        return
    strangers = select(Event.id).where(
        Event.patient_id == patient.id, Event.kind == "wrong_number", Event.at >= patient.bad_number_at
    )
    if session.scalar(strangers.limit(1)) is None:
        patient.bad_number_at = None
        record(session, "number_alive", at=now, patient_id=patient.id, message_id=message.id)


def _move_checkin(session: Session, message: Message, state: State, *, now: datetime) -> None:
    assert message.checkin_id is not None
    checkin = lock(session, CheckIn, message.checkin_id)
    shown_after_all = state == State.DELIVERED and checkin.state == "unreached"
    if shown_after_all or (state in {State.SENT, State.DELIVERED} and checkin.state == "planned"):
        checkin.state, checkin.opened_at, checkin.closed_at = "open", now, None
        checkin.asked_at = message.sent_at or now
    elif state in LEFT_OUT and checkin.state in {"planned", "open"} and checkin.answered_at is None:
        checkin.state, checkin.closed_at = ("skipped" if state == State.SKIPPED else "unreached"), now


def _drop_resend(session: Session, message: Message, *, now: datetime) -> None:
    """A text reported lost and then delivered after all is not sent a second time."""
    again = session.scalar(select(Message).where(Message.once == f"again:{message.id}", Message.state == State.PLANNED))
    if again is not None:
        cancel(session, again, why="the first was delivered after all", now=now)


def page_was_lost(session: Session, message: Message, *, now: datetime) -> None:
    """Nobody waits for a page that reached nobody: paging is looked at again at once."""
    alert = lock(session, Alert, message.alert_id) if message.alert_id else None
    if alert is None or alert.state != "open":
        return
    record(session, "page_lost", at=now, alert_id=alert.id, message_id=message.id)
    if stage_failed(session, alert):
        alert.step_at = now


def _taker_not_told(session: Session, message: Message, *, now: datetime) -> None:
    """Whoever has an alert does not know of it, or not that the patient wrote again: somebody else must."""
    alert = lock(session, Alert, message.alert_id) if message.alert_id else None
    if alert is not None and alert.taken_by_id == message.staff_id:
        give_back(session, alert.id, why="the text about it did not reach whoever has it", now=now)


def _colleague_not_reached(session: Session, message: Message, *, now: datetime) -> None:
    """The front desk asks for the right number, once for all texts to it."""
    same = (
        select(Task.id)
        .join(Message, Message.id == Task.message_id)
        .where(Task.kind == "staff_unreachable", Task.closed_at.is_(None), Message.to_number == message.to_number)
    )
    if session.scalar(same.limit(1)) is None:
        once = f"staff:{message.id}"
        add_task(session, "staff_unreachable", once, clinic_id=message.clinic_id, now=now, message=message)


def stage_failed(session: Session, alert: Alert) -> bool:
    """Whether every page of the alert's present stage is known to have reached nobody."""
    codes = select(Page.id).where(Page.alert_id == alert.id, Page.stage == alert.stage, Page.rounds == alert.rounds)
    sent = {f"page:{page_id}" for page_id in session.scalars(codes)}
    if not sent:
        return False
    messages = session.scalars(select(Message).where(Message.alert_id == alert.id, Message.kind == Kind.PAGE))
    ours = [m for m in messages if m.once.rsplit(":", 1)[0] in sent]
    return bool(ours) and all(m.state in LEFT_OUT for m in ours)


def _patient_not_reached(session: Session, message: Message, code: int | None, *, now: datetime) -> None:
    patient = session.get_one(Patient, message.patient_id)
    remedy = remedy_for(code)
    if remedy == Remedy.OPT_OUT:
        patient.opted_out_at = patient.opted_out_at or now
        end_checkins(session, patient, now=now)
        record(session, "opted_out", at=now, patient_id=patient.id, how="provider")
    elif remedy == Remedy.BAD_NUMBER:
        patient.bad_number_at = patient.bad_number_at or now
    elif remedy == Remedy.RETRY and message.state != State.EXPIRED and _resend(session, message, now=now):
        return
    kind = {Remedy.OPT_OUT: "opted_out", Remedy.STOP: "provider_settings"}.get(remedy, "undelivered")
    if remedy == Remedy.OPT_OUT and message.kind == Kind.EMERGENCY:
        kind = "call_now"  # nobody has told them what to do, and no text can
    if remedy == Remedy.OPT_OUT and _is_listed(session, patient, kind):
        return
    add_task(session, kind, f"{kind}:{message.id}", clinic_id=patient.clinic_id, now=now, message=message)


def _is_listed(session: Session, patient: Patient, kind: str) -> bool:
    """Whether the front desk has such a task about this patient before it already."""
    same = select(Task.id).where(Task.patient_id == patient.id, Task.kind == kind, Task.closed_at.is_(None))
    return session.scalar(same.limit(1)) is not None


def _resend(session: Session, message: Message, *, now: datetime) -> bool:
    """A scheduled text that did not arrive is tried once more, later, while it is of use."""
    due = now + RESEND_AFTER
    in_time = message.expires_at is not None and due < message.expires_at
    if message.kind not in SCHEDULED or message.once.startswith("again:") or not in_time:
        return False
    once = f"again:{message.id}"
    if not exists(session, once):
        copied = (
            "clinic_id",
            "patient_id",
            "episode_id",
            "checkin_id",
            "kind",
            "channel",
            "to_number",
            "template",
        )
        kept = {name: getattr(message, name) for name in copied}
        more = {name: getattr(message, name) for name in ("body", "question", "priority", "expires_at")}
        session.add(Message(once=once, due_at=due, created_at=now, **kept, **more))
        checkin = session.get(CheckIn, message.checkin_id) if message.checkin_id else None
        if checkin is not None and checkin.state == "unreached":
            checkin.state, checkin.closed_at = "planned", None
    return True


def end_checkins(session: Session, of: Patient | Episode, *, now: datetime) -> None:
    """Somebody who wants no texts, or is not the patient, owes no answer: their silence is no finding. Of an episode
    whose texts are paused this holds for that one alone."""
    whose = Episode.id == of.id if isinstance(of, Episode) else Episode.patient_id == of.id
    open_ones = select(CheckIn).join(Episode, Episode.id == CheckIn.episode_id).where(whose, CheckIn.state == "open")
    for checkin in session.scalars(open_ones):
        checkin.state, checkin.closed_at = ("partial" if checkin.answered_at else "cancelled"), now


def add_task(
    session: Session,
    kind: str,
    once: str,
    *,
    clinic_id: int,
    now: datetime,
    patient_id: int | None = None,
    inbound_id: int | None = None,
    message: Message | None = None,
) -> None:
    """List something for the front desk, once."""
    if session.scalar(select(Task.id).where(Task.once == once)) is not None:
        return
    owner = patient_id or (message.patient_id if message else None)
    task = Task(
        once=once,
        clinic_id=clinic_id,
        patient_id=owner,
        inbound_id=inbound_id,
        message_id=message.id if message else None,
        kind=kind,
        opened_at=now,
    )
    if add_once(session, task):
        record(session, "task_opened", at=now, clinic_id=clinic_id, patient_id=owner, task=kind)
