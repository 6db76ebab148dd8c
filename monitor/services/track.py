"""Apply what the provider reports of a text: twice, late, out of order, before our own commit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeGuard

from sqlalchemy import and_, false, or_, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import STATE_OF, ProviderStatus, State
from monitor.errors import BadInput
from monitor.models import Callback, Message, PastMessage
from monitor.services.archive import bring_back
from monitor.services.settle import LOST, settle


def track(session: Session, params: Mapping[str, str], *, message_id: int | None, now: datetime) -> bool:
    """Keep the callback as it came and move the text if it may; True if it changed anything.

    `message_id` is ours, from the callback's URL; without it the provider's id finds the text.
    """
    sid = params.get("MessageSid") or params.get("CallSid") or params.get("SmsSid")
    status = params.get("MessageStatus") or params.get("CallStatus") or params.get("SmsStatus")
    if not sid or not status:
        raise BadInput("MessageSid" if not sid else "MessageStatus", "nothing", "the provider's status callback")
    code = _number(params.get("ErrorCode"))
    message = find_message(session, message_id, sid)
    applied = message is not None and apply_status(session, message, sid, status, code, now=now)
    session.add(
        Callback(
            message_id=message.id if message else None,
            sid=sid[:40],
            status=status[:20],
            error_code=code,
            raw=dict(params),
            applied=applied,
            received_at=now,
        )
    )
    return applied


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
    try:
        state = STATE_OF[ProviderStatus(status)]
    except ValueError:
        return False
    message.sid = message.sid or sid[:40]
    message.sent_at = message.sent_at or now
    if message.state == State.PLANNED and message.attempts > 0:
        message.state = State.SENDING  # we had given this try up; the provider had not
    why = f"the provider says {status}" if state in LOST else None
    return settle(session, message, state, now=now, why=why, code=code)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else None
