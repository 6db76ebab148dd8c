"""Apply what the provider reports of texts: twice, late, out of order, before our own commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeGuard

from sqlalchemy import and_, false, or_, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import LOST, STATE_OF, ProviderStatus, State
from monitor.domain.sending import Kind
from monitor.errors import BadInput
from monitor.locking import lock_all
from monitor.models import Callback, CheckIn, Message, PastMessage, Patient
from monitor.services.archive import bring_back
from monitor.services.settle import settle

PLAIN = frozenset({State.SENT, State.DELIVERED})


@dataclass(frozen=True, slots=True)
class Report:
    """A status callback. `message_id` is ours, from the callback's URL; without it the provider's id finds the text."""

    params: Mapping[str, str]
    message_id: int | None
    sid: str
    status: str
    at: datetime

    @classmethod
    def read(cls, params: Mapping[str, str], message_id: int | None, *, at: datetime) -> Self:
        """Refuses one that does not say what became of which text."""
        sid = params.get("MessageSid") or params.get("CallSid") or params.get("SmsSid")
        status = params.get("MessageStatus") or params.get("CallStatus") or params.get("SmsStatus")
        if not sid or not status:
            raise BadInput("MessageSid" if not sid else "MessageStatus", "nothing", "the provider's status callback")
        return cls(params, message_id if _is_id(message_id) else None, sid, status, at)

    @property
    def code(self) -> int | None:
        text = self.params.get("ErrorCode")
        return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else None

    def is_plain(self) -> bool:
        """All went well: then the text and its check-in change, and hardly ever what others may be at."""
        return _state(self.status) in PLAIN


def track(session: Session, params: Mapping[str, str], *, message_id: int | None, now: datetime) -> bool:
    """Keep the callback as it came and move the text if it may; True if it changed anything."""
    report = Report.read(params, message_id, at=now)
    return _keep(session, report, find_message(session, report.message_id, report.sid))


def track_together(session: Session, reports: Sequence[Report]) -> None:
    """The same for plain reports, whose texts are locked in one order: two who do this at once do not wait in a
    circle."""
    with session.no_autoflush:  # nothing that is looked up for one of them is written for another
        messages = lock_all(session, Message, {report.message_id for report in reports if report.message_id})
        asked = {message.checkin_id for message in messages if message.checkin_id and message.kind == Kind.CHECKIN}
        lock_all(session, CheckIn, asked)
        patients = select(Patient).where(Patient.id.in_({m.patient_id for m in messages if m.patient_id}))
        kept = session.scalars(patients).all()  # noqa: F841 -- a session forgets what nobody holds
        by_id = {message.id: message for message in messages}
        for report in reports:
            message = by_id.get(report.message_id or 0)
            if message is None or message.sid not in {None, report.sid}:
                session.flush()
                message = find_message(session, report.message_id, report.sid)
            _keep(session, report, message)


def find_message(session: Session, message_id: int | None, sid: str) -> Message | None:
    """The text a callback is about; one that names another provider's id is about something else."""
    if (message := _at_hand(session, message_id, sid)) is not None:
        return message
    nameless = and_(PastMessage.id == message_id, PastMessage.sid.is_(None)) if _is_id(message_id) else false()
    is_it = or_(PastMessage.sid == sid, nameless)
    return _at_hand(session, message_id, sid) if bring_back(session, is_it) else None


def _at_hand(session: Session, message_id: int | None, sid: str) -> Message | None:
    if _is_id(message_id):
        message = session.get(Message, message_id, with_for_update={"key_share": True})
        if message is not None and message.sid in {None, sid}:
            return message
    return session.scalar(select(Message).where(Message.sid == sid).with_for_update(key_share=True))


def _is_id(number: int | None) -> TypeGuard[int]:
    return number is not None and 0 < number < 2**62


def apply_status(session: Session, message: Message, sid: str, status: str, code: int | None, *, now: datetime) -> bool:
    """Move a text to the state the provider names; an unknown name changes nothing."""
    state = _state(status)
    if state is None:
        return False
    message.sid = message.sid or sid[:40]
    message.sent_at = message.sent_at or now
    if message.state == State.PLANNED and message.attempts > 0:
        message.state = State.SENDING  # we had given this try up; the provider had not
    why = f"the provider says {status}" if state in LOST else None
    return settle(session, message, state, now=now, why=why, code=code)


def _keep(session: Session, report: Report, message: Message | None) -> bool:
    applied = message is not None and apply_status(
        session, message, report.sid, report.status, report.code, now=report.at
    )
    session.add(
        Callback(
            message_id=message.id if message else None,
            sid=report.sid[:40],
            status=report.status[:20],
            error_code=report.code,
            raw=dict(report.params),
            applied=applied,
            received_at=report.at,
        )
    )
    return applied


def _state(status: str) -> State | None:
    try:
        return STATE_OF[ProviderStatus(status)]
    except ValueError:
        return None
