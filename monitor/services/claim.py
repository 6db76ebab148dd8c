"""Take what is due for oneself: mark the rows, commit, and only then is anything sent.

A crash after that leaves rows that say so; reconcile asks the provider what became of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select, union_all
from sqlalchemy.orm import Session

from monitor.db import Sessions, one_of, transaction, update_each
from monitor.domain.delivery import State
from monitor.domain.sending import PRIORITY, Act, Kind, decide_send
from monitor.errors import ProtocolError
from monitor.locking import hold_free
from monitor.models import Message
from monitor.queries import IS_PLANNED
from monitor.services.audit import record
from monitor.services.candidate import Surroundings
from monitor.services.compose import patient_text
from monitor.services.isolation import Pass
from monitor.services.outcome import give_another_try
from monitor.services.settle import settle
from monitor.sms.gateway import Call, Text

LEASE = timedelta(seconds=60)
IN_ORDER = timedelta(seconds=15)  # how long a text waits for the one before it to the same number
BATCH = 128  # texts that are claimed at once
TO_STAFF = frozenset({Kind.PAGE, Kind.DIGEST})
URGENT = PRIORITY[Kind.NOTICE]  # what has this priority or a higher one goes before all that is scheduled
WHY = 200  # characters that a row keeps of a reason


@dataclass(frozen=True, slots=True)
class Claimed:
    """One text or call that is ours to send. `attempt` tells this try from another worker's."""

    what: Text | Call
    urgent: bool
    attempt: int

    @property
    def id(self) -> int:
        return self.what.message_id

    @property
    def to_staff(self) -> bool:
        return isinstance(self.what, Call) or self.what.to_staff


def claim(
    sessions: Sessions, now: datetime, *, worker: str, limit: int = BATCH, can_wait: int = BATCH
) -> Sequence[Claimed]:
    """Take up to `limit` due texts: the urgent ones, which leave sooner without the others, and if there are none up
    to `can_wait` of the others. Those that may not leave now are settled on the way."""
    waiting: set[int] = set()  # behind another text to the same number
    with Pass("claim") as each:
        while True:
            with transaction(sessions) as session:
                due = _due(session, now, limit, can_wait, each.failed | waiting)
                ready = _whose_turn_it_is(session, due, now=now)
                claimed = _claim_each(session, ready, each, worker, now=now)
            if claimed or not due:
                return claimed
            waiting |= {message.id for message in due} - {message.id for message in ready}


def _due(session: Session, now: datetime, limit: int, can_wait: int, without: Collection[int | str]) -> list[Message]:
    """The next ones, locked: priority by priority, since the index then leads to them past all that lies ahead."""
    due: list[Message] = []
    for rank in session.scalars(_RANKS_DUE, {"now": now}).all():
        if rank > URGENT and due:
            break
        room = (limit if rank <= URGENT else can_wait) - len(due)
        if room > 0:
            due += session.scalars(
                select(Message)
                .where(IS_PLANNED, Message.priority == rank, Message.due_at <= now, Message.id.not_in(without))
                .order_by(Message.due_at, Message.id)
                .limit(room)
                .with_for_update(skip_locked=True, key_share=True)
            )
    return due


def _is_due(rank: int) -> Any:
    # Asked whether there is one, PostgreSQL expects among rows for any time whatever to come upon it soon, and reads
    # all that wait; the earliest it looks up, whatever it expects.
    earliest = select(func.min(Message.due_at)).where(IS_PLANNED, Message.priority == rank).scalar_subquery()
    return select(literal_column(str(rank))).where(earliest <= bindparam("now"))


_RANKS_DUE = union_all(*(_is_due(rank) for rank in sorted(PRIORITY.values())))


def _whose_turn_it_is(session: Session, due: Sequence[Message], *, now: datetime) -> list[Message]:
    """Those to numbers that nobody else works on now, and that no other text is under way to. A page does not
    wait for one that is: its sender may be gone."""
    if not due:
        return []
    held = hold_free(session, {message.to_number for message in due})
    under_way = select(Message.to_number).where(
        Message.state == State.SENDING,
        Message.claimed_at.between(now - IN_ORDER, now),
        one_of(session, Message.to_number, held),
    )
    free = held - set(session.scalars(under_way))
    return [m for m in due if m.to_number in free or (m.kind == Kind.PAGE and m.to_number in held)]


def _claim_each(session: Session, due: Sequence[Message], each: Pass, worker: str, *, now: datetime) -> list[Claimed]:
    """One text a number at a time: two that leave together may arrive in the wrong order."""
    first = _first_of_each(due)
    if not first:
        return []
    around = Surroundings(session, first, now)
    try:
        with session.begin_nested():
            return _claim_these(session, first, around, worker, now=now)
    except Exception:  # noqa: BLE001 -- which of them it was shows when they are tried one by one
        return [text for message in first for text in _try_one(session, message, around, each, worker, now=now)]


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
) -> list[Claimed]:
    """The same for a text that may break the program; one that does is set aside."""
    claimed: list[Claimed] = []
    with each(message.id), session.begin_nested():
        claimed = _claim_these(session, [message], around, worker, now=now)
    if message.id in each.failed:
        with each(message.id), session.begin_nested():
            _set_aside(session, message, now=now)
    return claimed


def _set_aside(session: Session, message: Message, *, now: datetime) -> None:
    """A text that breaks us is tried again like one that the provider would not take, and given up in the end:
    who is told of a lost text is told of it."""
    message.attempts += 1
    give_another_try(session, message, now=now)


def _claim_these(
    session: Session, messages: Sequence[Message], around: Surroundings, worker: str, *, now: datetime
) -> list[Claimed]:
    """Those that may leave are marked by one statement: a flush of each row takes several times as long."""
    bodies = {message: body for message in messages if (body := _body_if_it_may_leave(session, message, around, now))}
    session.flush()
    ours = {"state": State.SENDING, "worker": worker, "claimed_at": now, "lease_until": now + LEASE}
    texts = {message.id: body for message, body in bodies.items()}
    update_each(session, Message.body, texts, attempts=Message.attempts + 1, **ours)
    return [_claimed(message, body) for message, body in bodies.items()]


def _claimed(message: Message, body: str) -> Claimed:
    to_staff = message.staff_id is not None or message.kind in TO_STAFF
    is_call = message.channel == "call"
    what = Call(message.id, message.to_number, body) if is_call else Text(message.id, message.to_number, body, to_staff)
    return Claimed(what, urgent=message.priority <= URGENT, attempt=message.attempts + 1)


def _body_if_it_may_leave(session: Session, message: Message, around: Surroundings, now: datetime) -> str | None:
    if not _may_leave(session, message, around, now=now):
        return None
    if message.body is not None:
        return message.body
    try:
        return _render(message, around)
    except ProtocolError as error:  # an edited protocol without this text must not hold up the texts behind it
        settle(session, message, State.FAILED, now=now, why=f"it could not be written: {error}"[:WHY])
        return None


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


def _render(message: Message, around: Surroundings) -> str:
    episode = around.episode(message)
    assert episode is not None, "a text that is written when it leaves belongs to an episode"
    return patient_text(around.bundle(episode), episode.patient, message.template or "", day=around.day(message))
