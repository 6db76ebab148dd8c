"""Ask the provider about what we do not know: sends whose answer was lost, texts never confirmed, texts to us
whose webhook never came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.domain.delivery import State
from monitor.domain.sending import Kind
from monitor.errors import GatewayError, GatewayRefused
from monitor.locking import lock, note_moment
from monitor.models import Alert, Cursor, Message
from monitor.queries import IS_MOVING
from monitor.services.audit import record
from monitor.services.isolation import Pass
from monitor.services.outcome import retry_later
from monitor.services.receive import save_inbound
from monitor.services.settle import add_task, settle
from monitor.services.track import apply_status
from monitor.sms.gateway import Gateway, Sent

LOOK_AGAIN_AFTER = 20.0  # seconds; a text may be under way, or not yet in the provider's list, at the first look
PAGE_TRIES = 3  # a page may come twice; after that paging moves on instead
NOT_FOUND = 20404
GIVE_UP_AFTER = timedelta(hours=2)
CLOCK_SLACK = timedelta(seconds=90)  # between our clock and the provider's
CLOCK_WRONG = timedelta(hours=3)  # by how much ours may be ahead: a text that went out is found all the same
ASK_AFTER = timedelta(minutes=10)
ASK_AGAIN = timedelta(hours=1)
UNCONFIRMED_AFTER = timedelta(hours=24)
FETCH_OVERLAP = timedelta(minutes=15)
CURSOR = "inbound"

# When this process first asked for a send (message, attempt) and the provider had nothing, in seconds of
# Clock.monotonic: a clock that is set forward makes no text look lost. After a restart the wait begins anew.
_first_looks: dict[tuple[int, int], float] = {}


def reconcile(sessions: Sessions, gateway: Gateway, clock: Clock) -> int:
    """Settle what is in doubt; returns how many texts were looked at."""
    with transaction(sessions) as session:
        lost = session.execute(
            select(Message.id, Message.attempts).where(
                IS_MOVING,
                or_(
                    Message.state == State.UNKNOWN,
                    (Message.state == State.SENDING) & (Message.lease_until < clock.now()),
                ),
            )
        ).all()
    for settled in _first_looks.keys() - {(message_id, attempt) for message_id, attempt in lost}:
        del _first_looks[settled]
    with Pass("reconcile") as each:
        for message_id, _ in lost:
            with each(message_id):
                _settle_unknown(sessions, gateway, message_id, clock)
    return len(lost) + _ask_about_sent(sessions, gateway, clock)


def fetch_inbound(sessions: Sessions, gateway: Gateway, clock: Clock) -> int:
    """Save what the provider received for us and we have not; returns how many that were.

    How far we have come is told by the provider's clock, since ours may be wrong for a while: by its last text.
    """
    now = clock.now()
    with transaction(sessions) as session:
        cursor = session.get(Cursor, CURSOR)
        reached = cursor.at if cursor else now - timedelta(days=1)
    since, found = reached - FETCH_OVERLAP, 0
    with Pass("fetch inbound") as each:
        for received in gateway.received_since(since):
            reached = max(reached, received.received_at)
            with each(received.sid), transaction(sessions) as session:
                if save_inbound(session, received, raw=None, now=min(received.received_at, now)):
                    record(session, "inbound_fetched", at=now)
                    found += 1
    if not each.failed:  # else the next pass asks for the same stretch of time
        with transaction(sessions) as session:
            note_moment(session, Cursor, CURSOR, reached)
    return found


def _settle_unknown(sessions: Sessions, gateway: Gateway, message_id: int, clock: Clock) -> None:
    with transaction(sessions) as session:
        message = lock(session, Message, message_id)
        if message.state == State.SENDING:
            settle(
                session,
                message,
                State.UNKNOWN,
                now=clock.now(),
                why="the worker that sent it did not come back",
            )
        claimed_at = message.claimed_at or message.created_at
        if message.state != State.UNKNOWN:
            return
        if message.kind == Kind.PAGE:
            _page_again(session, message, now=clock.now())
            return
        to, body = message.to_number, message.body
    try:
        listed: Sequence[Sent] | None = gateway.sent_since(to, claimed_at - CLOCK_WRONG)
    except GatewayError:
        listed = None
    with transaction(sessions) as session:
        message = lock(session, Message, message_id)
        if message.state == State.UNKNOWN:
            _adopt_or_resend(session, message, listed, body, claimed_at, clock=clock)


def _page_again(session: Session, message: Message, *, now: datetime) -> None:
    """A lost page is worse than one that comes twice, as long as somebody is wanted."""
    alert = lock(session, Alert, message.alert_id) if message.alert_id else None
    if alert is None or alert.state != "open":
        settle(session, message, State.UNCONFIRMED, now=now, why="its answer was lost; paging is over")
    elif message.attempts >= PAGE_TRIES:
        settle(session, message, State.FAILED, now=now, why="its answer was lost each time")
    else:
        _send_again(session, message, now=now)


def _adopt_or_resend(
    session: Session,
    message: Message,
    listed: Sequence[Sent] | None,
    body: str | None,
    claimed_at: datetime,
    *,
    clock: Clock,
) -> None:
    now = clock.now()
    if listed is None:
        if now - claimed_at > GIVE_UP_AFTER:
            settle(session, message, State.FAILED, now=now, why="the provider could not say whether it was sent")
            once = f"in_doubt:{message.id}"
            add_task(session, "in_doubt", once, clinic_id=message.clinic_id, now=now, message=message)
        return
    match = find_match(session, message, listed, body)
    if match is None:
        looked = _first_looks.setdefault((message.id, message.attempts), clock.monotonic())
        if clock.monotonic() - looked >= LOOK_AGAIN_AFTER:
            _send_again(session, message, now=now)
        return
    message.sent_at = match.sent_at or claimed_at
    adopt(session, message, match, now=now)


def find_match(session: Session, message: Message, listed: Sequence[Sent], body: str | None) -> Sent | None:
    """The first of the provider's texts that is this one and no other row's."""
    taken = set(session.scalars(select(Message.sid).where(Message.to_number == message.to_number)))
    return next((sent for sent in listed if _same(sent.body, body) and sent.sid not in taken), None)


def adopt(session: Session, message: Message, match: Sent, *, now: datetime) -> None:
    """It had been sent: here is what became of it."""
    settle(session, message, State.SENT, now=now, why="found with the provider")
    apply_status(session, message, match.sid, match.status, match.error_code, now=now)
    record(session, "send_adopted", at=now, message_id=message.id)


def _same(theirs: str, ours: str | None) -> bool:
    """Whether the provider's copy is our text: a trial account puts words of its own in front."""
    return bool(ours) and " ".join(theirs.split()).endswith(" ".join((ours or "").split()))


def _send_again(session: Session, message: Message, *, now: datetime) -> None:
    """Back to planned: a first time at once, later with the pauses of any other failed try."""
    record(session, "send_repeated", at=now, message_id=message.id)
    if message.attempts > 1:
        retry_later(session, message, now=now)
    elif settle(session, message, State.PLANNED, now=now, why="it had not been sent"):
        message.due_at = now


def _ask_about_sent(sessions: Sessions, gateway: Gateway, clock: Clock) -> int:
    """Texts the provider took and never told us more about."""
    now = clock.now()
    with transaction(sessions) as session:
        waiting = session.execute(
            select(Message.id, Message.sid).where(
                IS_MOVING,
                Message.state == State.SENT,
                Message.sent_at < now - ASK_AFTER,
                or_(Message.checked_at.is_(None), Message.checked_at < now - ASK_AGAIN),
            )
        ).all()
    with Pass("ask about sent") as each:
        for message_id, sid in ((id_, sid) for id_, sid in waiting if sid):
            with each(message_id):
                _ask_about_one(sessions, gateway, message_id, sid, now=now)
    return len(waiting)


def _ask_about_one(sessions: Sessions, gateway: Gateway, message_id: int, sid: str, *, now: datetime) -> None:
    sent, gone = None, False
    try:
        sent = gateway.fetch(sid)
    except GatewayRefused as error:
        gone = error.code == NOT_FOUND  # anything else is our account's trouble and says nothing of the text
    except GatewayError:
        return  # asked again next time
    with transaction(sessions) as session:
        message = lock(session, Message, message_id)
        _note_answer(session, message, sent, gone=gone, now=now)


def _note_answer(session: Session, message: Message, sent: Sent | None, *, gone: bool, now: datetime) -> None:
    message.checked_at = now
    if sent is not None:
        apply_status(session, message, sent.sid, sent.status, sent.error_code, now=now)
    old = message.sent_at is None or now - message.sent_at > UNCONFIRMED_AFTER
    if message.state == State.SENT and (gone or (sent is not None and old)):
        settle(session, message, State.UNCONFIRMED, now=now, why="the provider never learned more")
