"""Record what became of texts that were handed to the provider: those it took together, all others one by one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction, update_each
from monitor.domain.delivery import STATE_OF, Remedy, State, next_retry, remedy_for
from monitor.errors import GatewayBusy, GatewayError, GatewayRefused, GatewayUnreachable, NotReady
from monitor.locking import lock, was_deadlock
from monitor.models import Message
from monitor.services.isolation import Pass
from monitor.services.pace import Held
from monitor.services.settle import add_task, open_asked, settle
from monitor.sms.gateway import Accepted

HOURLY = timedelta(hours=1)
Outcome = Accepted | Exception


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one attempt to hand a text over."""

    attempt: int
    outcome: Outcome


def record_outcomes(sessions: Sessions, ended: Mapping[int, Ended], clock: Clock) -> None:
    """By id of the text. An exception that no gateway should raise leaves its text in doubt and is reported."""
    plain = {key: sid for key, each in ended.items() if (sid := _sid_if_plain(each.outcome))}
    with Pass("send") as each:
        together = _record_together(sessions, plain, clock) if len(plain) > 1 else frozenset()
        for key in ended.keys() - together:
            with each(key):
                _record_one(sessions, key, ended[key], clock)


def _sid_if_plain(outcome: Outcome) -> str | None:
    """Of a text that was taken, and of which nothing more is known: then only it and its check-in change."""
    return outcome.sid if isinstance(outcome, Accepted) and STATE_OF[outcome.status] == State.SENT else None


def _record_together(sessions: Sessions, sids: Mapping[int, str], clock: Clock) -> Collection[int]:
    """One transaction for all that nobody else has moved meanwhile; returns which those are."""
    now, sent = clock.now(), frozenset[int]()
    under_way = Message.state == State.SENDING, Message.sid.is_(None)
    changes = {"state": State.SENT, "sent_at": now, "worker": None, "lease_until": None}
    broken = Pass("send together")
    try:
        with broken(0), transaction(sessions) as session:
            sent = update_each(session, Message.sid, sids, *under_way, **changes)
            open_asked(session, sent, now=now)
    except NotReady as error:
        if not was_deadlock(error):
            raise
        return frozenset()  # callbacks of the same texts came together, too: one by one nobody waits in a circle
    return frozenset() if broken.failed else sent


def _record_one(sessions: Sessions, key: int, ended: Ended, clock: Clock) -> None:
    outcome = ended.outcome
    if not isinstance(outcome, Accepted | GatewayError):
        raise outcome
    with transaction(sessions) as session:
        message = lock(session, Message, key)
        # If another worker has taken it over since, only that the provider has it is still news.
        if message.attempts == ended.attempt or isinstance(outcome, Accepted):
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
        case Held():
            if settle(session, message, State.PLANNED, now=now, why="not handed over: a pause"):
                message.attempts -= 1
        case GatewayUnreachable():
            retry_later(session, message, now=now)
        case _:
            settle(session, message, State.UNKNOWN, now=now, why="the provider's answer was lost")


def give_another_try(session: Session, message: Message, *, now: datetime) -> None:
    """A text that could not be prepared stays planned for later, and is given up in the end."""
    wait = next_retry(message.attempts).wait
    if wait is None:
        settle(session, message, State.FAILED, now=now, why="the program could not prepare it")
    else:
        message.due_at = now + wait


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
