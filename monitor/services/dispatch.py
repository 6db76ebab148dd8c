"""Send what is due: claim, commit, call the provider, record.

The claim is committed before the call, so that a crash in between leaves a row that says so; reconcile asks
the provider what became of it. One text's trouble never holds up the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.domain.delivery import State
from monitor.domain.sending import PRIORITY, Act, Kind, decide_send
from monitor.errors import GatewayError, ProtocolError
from monitor.locking import hold_free
from monitor.models import CheckIn, Episode, Message
from monitor.services.audit import record
from monitor.services.candidate import Surroundings
from monitor.services.compose import patient_text
from monitor.services.isolation import Pass
from monitor.services.outcome import Outcome, give_another_try, record_outcomes
from monitor.services.pace import Held, Pace
from monitor.services.seed import bundle_of
from monitor.services.settle import settle
from monitor.sms.gateway import Accepted, Call, Gateway, Text

LEASE = timedelta(seconds=60)
IN_ORDER = timedelta(seconds=15)  # how long a text waits for the one before it to the same number
BATCH = 64  # texts that are claimed at once
AT_ONCE = 64  # texts that the provider is asked to take at the same time
EXPRESS = 8  # and as many urgent ones beside them: those wait for no check-in, not even for one that hangs
AHEAD = 128  # texts that are claimed and not recorded: the next ones are at hand while outcomes are written down
GATHER = 32  # outcomes that are worth a transaction of their own
PATIENCE = 0.1  # seconds to wait for the first outcome, before the worker looks at what else there is to do
PAUSE = 0.02  # seconds to wait for one more
TO_STAFF = frozenset({Kind.PAGE, Kind.DIGEST})
URGENT = PRIORITY[Kind.NOTICE]  # what has this priority or a higher one goes before all that is scheduled
WHY = 200  # characters that a row keeps of a reason


@dataclass(frozen=True, slots=True)
class Claimed:
    """One text that is ours to send."""

    id: int
    channel: str
    to: str
    body: str
    to_staff: bool
    urgent: bool = False


class Flight:
    """The texts that a worker has under way. It moves in steps, so that replies are read between them; when it is
    left, every text has ended and is recorded."""

    def __init__(
        self, sessions: Sessions, gateway: Gateway, clock: Clock, *, worker: str, pace: Pace | None = None
    ) -> None:
        self._pace = pace or Pace()
        self._sessions, self._gateway, self._clock, self._worker = sessions, gateway, clock, worker
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send")
        self._express = ThreadPoolExecutor(EXPRESS, thread_name_prefix="send-urgent")
        self._under_way: dict[int, Claimed] = {}
        self._ended: SimpleQueue[tuple[Claimed, Future[Accepted]]] = SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown()
        self._express.shutdown()
        self._record()

    def claim(self, limit: int = BATCH) -> int:
        """Take what is due, as far as there is room, and have it sent; returns how many that were."""
        urgent = sum(text.urgent for text in self._under_way.values())
        can_wait = min(self._pace.room(self._clock.monotonic()), limit, AHEAD - (len(self._under_way) - urgent))
        limit = min(limit, AHEAD - urgent)
        if limit <= 0:
            return 0
        batch = claim(self._sessions, self._clock.now(), worker=self._worker, limit=limit, can_wait=int(can_wait))
        self._pace.took(sum(not text.to_staff for text in batch))
        for text in batch:
            self._under_way[text.id] = text
            pool = self._express if text.urgent else self._pool
            job = pool.submit(self._send, text)
            job.add_done_callback(lambda job, text=text: self._ended.put((text, job)))  # type: ignore[misc]
        return len(batch)

    def _send(self, text: Claimed) -> Accepted:
        if self._pace.is_paused(self._clock.monotonic()) and not text.urgent:
            raise Held
        error: GatewayError | None = None
        try:
            return _hand_over(self._gateway, text)
        except GatewayError as raised:
            error = raised
            raise
        finally:
            self._pace.answered(error, self._clock.monotonic())

    def step(self) -> int:
        """Claim, and record what has ended meanwhile; returns how many texts were claimed, ended or are under way."""
        before = len(self._under_way)
        claimed = self.claim()
        if any(text.urgent for text in self._under_way.values()):
            claimed += self.claim()  # those that can wait are not kept waiting by them
        self._record()
        return claimed + before

    def _record(self) -> None:
        if ended := self._gather():
            outcomes = {text.id: _outcome_of(job) for text, job in ended}
            for key in outcomes:
                del self._under_way[key]
            record_outcomes(self._sessions, outcomes, self._clock)

    def _gather(self) -> list[tuple[Claimed, Future[Accepted]]]:
        """The texts that have ended: as many as are worth a transaction, unless that takes long."""
        ended: list[tuple[Claimed, Future[Accepted]]] = []
        with suppress(Empty):
            while len(ended) < len(self._under_way) and (len(ended) < GATHER or not self._ended.empty()):
                ended.append(self._ended.get(timeout=PAUSE if ended else PATIENCE))
        return ended


def dispatch(sessions: Sessions, gateway: Gateway, clock: Clock, *, worker: str, flight: Flight | None = None) -> int:
    """Send one batch of what is due and record what became of it, or make one step of a flight that goes on.
    Returns how many were tried, or are still under way."""
    if flight is not None:
        return flight.step()
    with Flight(sessions, gateway, clock, worker=worker) as alone:
        return alone.claim()


def claim(
    sessions: Sessions, now: datetime, *, worker: str, limit: int = BATCH, can_wait: int = BATCH
) -> Sequence[Claimed]:
    """Take up to `limit` due texts: the urgent ones, which leave sooner without the others, and if there are none up
    to `can_wait` of the others. Those that may not leave now are settled on the way."""
    any_priority = true() if can_wait else Message.priority <= URGENT
    waiting: set[int] = set()  # behind another text to the same number
    with Pass("claim") as each:
        while True:
            with transaction(sessions) as session:
                found = session.scalars(
                    select(Message)
                    .where(
                        any_priority,
                        Message.state == State.PLANNED,
                        Message.due_at <= now,
                        Message.id.not_in(each.failed | waiting),
                    )
                    .order_by(Message.priority, Message.due_at, Message.id)
                    .limit(limit)
                    .with_for_update(skip_locked=True, key_share=True)
                ).all()
                urgent = sum(message.priority <= URGENT for message in found)
                due = found[: urgent or can_wait]
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
    first = _first_of_each(due)
    around = Surroundings.of(session, first, now)
    try:
        with session.begin_nested():
            claimed = [_claim_one(session, message, around, worker, now=now) for message in first]
    except Exception:  # noqa: BLE001 -- which of them it was shows when they are tried one by one
        claimed = [_try_one(session, message, around, each, worker, now=now) for message in first]
    return [text for text in claimed if text is not None]


def _first_of_each(due: Sequence[Message]) -> list[Message]:
    """The first text to each number, and of each patient."""
    numbers: set[str] = set()
    patients: set[int | None] = set()
    first = []
    for message in due:
        if message.to_number not in numbers and (message.patient_id is None or message.patient_id not in patients):
            first.append(message)
        numbers.add(message.to_number)
        patients.add(message.patient_id)
    return first


def _try_one(
    session: Session, message: Message, around: Surroundings, each: Pass, worker: str, *, now: datetime
) -> Claimed | None:
    """The same for a text that may break the program; one that does is set aside."""
    claimed = None
    with each(message.id), session.begin_nested():
        claimed = _claim_one(session, message, around, worker, now=now)
    if message.id in each.failed:
        with each(message.id), session.begin_nested():
            _set_aside(session, message, now=now)
        return None
    return claimed


def _set_aside(session: Session, message: Message, *, now: datetime) -> None:
    """A text that breaks us is tried again like one that the provider would not take, and given up in the end:
    who is told of a lost text is told of it."""
    message.attempts += 1
    give_another_try(session, message, now=now)


def _hand_over(gateway: Gateway, text: Claimed) -> Accepted:
    if text.channel == "call":
        return gateway.ring(Call(text.id, text.to, text.body))
    return gateway.send(Text(text.id, text.to, text.body, to_staff=text.to_staff))


def _outcome_of(job: Future[Accepted]) -> Outcome:
    error = job.exception()
    if error is None:
        return job.result()
    if not isinstance(error, Exception):
        raise error
    return error


def _claim_one(
    session: Session, message: Message, around: Surroundings, worker: str, *, now: datetime
) -> Claimed | None:
    if not _may_leave(session, message, around, now=now):
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
    urgent = message.priority <= URGENT
    return Claimed(message.id, message.channel, message.to_number, message.body, to_staff, urgent)


def _may_leave(session: Session, message: Message, around: Surroundings, *, now: datetime) -> bool:
    if message.patient_id is None:
        if message.expires_at is not None and message.expires_at <= now:
            settle(session, message, State.EXPIRED, now=now, why="its time had passed before it could be sent")
            return False
        return True
    verdict = decide_send(around.candidate(message), now)
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
