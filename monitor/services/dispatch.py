"""Send what is due: claim, commit, call the provider, record.

The claim is committed before the call, so that a crash in between leaves a row that says so; reconcile asks
the provider what became of it. One text's trouble never holds up the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.domain.delivery import STATE_OF, Remedy, State, next_retry, remedy_for
from monitor.domain.sending import Act, Kind, decide_send
from monitor.errors import GatewayBusy, GatewayError, GatewayRefused, GatewayUnreachable, ProtocolError
from monitor.locking import hold_free, lock
from monitor.models import CheckIn, Episode, Message
from monitor.services.audit import record
from monitor.services.candidate import candidate_for
from monitor.services.compose import patient_text
from monitor.services.isolation import Pass
from monitor.services.seed import bundle_of
from monitor.services.settle import add_task, settle
from monitor.sms.gateway import Accepted, Call, Gateway, Text

LEASE = timedelta(seconds=60)
IN_ORDER = timedelta(seconds=15)  # how long a text waits for the one before it to the same number
BATCH = 16
TO_STAFF = frozenset({Kind.PAGE, Kind.DIGEST})
WHY = 200  # characters that a row keeps of a reason
AT_ONCE = 8  # sends under way together
HOURLY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One text that is ours to send."""

    id: int
    channel: str
    to: str
    body: str
    to_staff: bool


def dispatch(sessions: Sessions, gateway: Gateway, clock: Clock, *, worker: str) -> int:
    """Send one batch of what is due, so that a reply is read before the next one; returns how many were tried."""
    batch = claim(sessions, clock.now(), worker=worker)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send") as pool:
        jobs = [pool.submit(send_one, sessions, gateway, clock, text) for text in batch]
    with Pass("send") as each:
        for text, job in zip(batch, jobs, strict=True):
            with each(text.id):
                job.result()
    return len(batch)


def claim(sessions: Sessions, now: datetime, *, worker: str, limit: int = BATCH) -> Sequence[Claimed]:
    """Take up to `limit` due texts, most urgent first. Those that may not leave now are settled on the way."""
    waiting: set[int] = set()  # behind another text to the same number
    with Pass("claim") as each:
        while True:
            with transaction(sessions) as session:
                due = session.scalars(
                    select(Message)
                    .where(
                        Message.state == State.PLANNED, Message.due_at <= now, Message.id.not_in(each.failed | waiting)
                    )
                    .order_by(Message.priority, Message.due_at, Message.id)
                    .limit(limit)
                    .with_for_update(skip_locked=True, key_share=True)
                ).all()
                ready = _whose_turn_it_is(session, due, now=now)
                claimed = _claim_each(session, ready, each, worker, now=now)
            if claimed or not due:
                return claimed
            waiting |= {message.id for message in due} - {message.id for message in ready}


def _whose_turn_it_is(session: Session, due: Sequence[Message], *, now: datetime) -> list[Message]:
    """Those to numbers that nobody else works on now, and that no other text is under way to. A page does not
    wait for one that is: its sender may be gone."""
    held = hold_free(session, {message.to_number for message in due})
    under_way = select(Message.to_number).where(
        Message.state == State.SENDING,
        Message.claimed_at.between(now - IN_ORDER, now),
        Message.to_number.in_(held),
    )
    free = held - set(session.scalars(under_way))
    return [m for m in due if m.to_number in free or (m.kind == Kind.PAGE and m.to_number in held)]


def _claim_each(session: Session, due: Sequence[Message], each: Pass, worker: str, *, now: datetime) -> list[Claimed]:
    """One text a number at a time: two that leave together may arrive in the wrong order."""
    claimed: dict[str, Claimed] = {}
    for message in due:
        if message.to_number in claimed:
            continue
        with each(message.id), session.begin_nested():
            if (mine := _claim_one(session, message, worker, now=now)) is not None:
                claimed[message.to_number] = mine
        if message.id in each.failed:
            with each(message.id), session.begin_nested():
                _set_aside(session, message, now=now)
    return list(claimed.values())


def _set_aside(session: Session, message: Message, *, now: datetime) -> None:
    """A text that breaks us is tried again like one that the provider would not take, and given up in the end:
    who is told of a lost text is told of it."""
    message.attempts += 1
    wait = next_retry(message.attempts).wait
    if wait is None:
        settle(session, message, State.FAILED, now=now, why="the program could not prepare it")
    else:
        message.due_at = now + wait


def send_one(sessions: Sessions, gateway: Gateway, clock: Clock, text: Claimed) -> None:
    """One call to the provider and its outcome, recorded in a transaction of its own."""
    outcome: Accepted | GatewayError
    try:
        outcome = _hand_over(gateway, text)
    except GatewayError as error:
        outcome = error
    with transaction(sessions) as session:
        message = lock(session, Message, text.id)
        record_outcome(session, message, outcome, now=clock.now())


def record_outcome(session: Session, message: Message, outcome: Accepted | GatewayError, *, now: datetime) -> None:
    """What the provider said to one text; a callback may have been here first."""
    match outcome:
        case Accepted(sid=sid, status=status):
            message.sid = message.sid or sid
            message.sent_at = message.sent_at or now
            settle(session, message, State.SENT, now=now)
            settle(session, message, STATE_OF[status], now=now)
        case GatewayRefused(code=code) if remedy_for(code) == Remedy.ACCOUNT:
            once = f"provider_settings:{code}:{now:%Y-%m-%d}"
            add_task(session, "provider_settings", once, clinic_id=message.clinic_id, now=now)
            retry_later(session, message, now=now, code=code)
        case GatewayRefused(code=code) if remedy_for(code) != Remedy.RETRY:
            settle(session, message, State.FAILED, now=now, why="refused by the provider", code=code)
        case GatewayRefused(code=code):
            retry_later(session, message, now=now, code=code)
        case GatewayBusy(code=code, retry_after=wait):
            retry_later(session, message, now=now, code=code, retry_after=wait)
        case GatewayUnreachable():
            retry_later(session, message, now=now)
        case _:
            settle(session, message, State.UNKNOWN, now=now, why="the provider's answer was lost")


def retry_later(
    session: Session,
    message: Message,
    *,
    now: datetime,
    code: int | None = None,
    retry_after: float | None = None,
) -> None:
    """Back to planned, later; a text with a last moment goes on hourly until then, others give up in time."""
    wait = next_retry(message.attempts, retry_after).wait
    if wait is None and message.expires_at is not None and now + HOURLY < message.expires_at:
        wait = HOURLY
    if wait is None:
        settle(session, message, State.FAILED, now=now, why="the provider could not take it", code=code)
        return
    if settle(session, message, State.PLANNED, now=now, why="will be tried again", code=code):
        message.due_at = now + wait


def _hand_over(gateway: Gateway, text: Claimed) -> Accepted:
    if text.channel == "call":
        return gateway.ring(Call(text.id, text.to, text.body))
    return gateway.send(Text(text.id, text.to, text.body, to_staff=text.to_staff))


def _claim_one(session: Session, message: Message, worker: str, *, now: datetime) -> Claimed | None:
    if not _may_leave(session, message, now=now):
        return None
    if message.body is None:
        try:
            message.body = _render(session, message)
        except ProtocolError as error:  # an edited protocol without this text must not hold up the texts behind it
            settle(session, message, State.FAILED, now=now, why=f"it could not be written: {error}"[:WHY])
            return None
    message.state, message.worker = State.SENDING, worker
    message.claimed_at, message.lease_until = now, now + LEASE
    message.attempts += 1
    to_staff = message.staff_id is not None or message.kind in TO_STAFF
    return Claimed(message.id, message.channel, message.to_number, message.body, to_staff)


def _may_leave(session: Session, message: Message, *, now: datetime) -> bool:
    if message.patient_id is None:
        if message.expires_at is not None and message.expires_at <= now:
            settle(session, message, State.EXPIRED, now=now, why="its time had passed before it could be sent")
            return False
        return True
    verdict = decide_send(candidate_for(session, message, now=now), now)
    match verdict.act:
        case Act.SEND:
            return True
        case Act.DEFER:
            message.due_at = verdict.until or now
            record(session, "message_deferred", at=now, message_id=message.id, patient_id=message.patient_id)
        case Act.SKIP:
            settle(session, message, State.SKIPPED, now=now, why=verdict.why)
        case Act.EXPIRE:
            settle(session, message, State.EXPIRED, now=now, why=verdict.why)
    return False


def _render(session: Session, message: Message) -> str:
    episode = session.get_one(Episode, message.episode_id)
    bundle = bundle_of(session, episode.protocol_version_id)
    checkin = session.get(CheckIn, message.checkin_id) if message.checkin_id else None
    day = checkin.day if checkin else 0
    return patient_text(bundle, episode.patient, message.template or "", day=day)
