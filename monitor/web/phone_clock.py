"""Move the built-in phones' clock forward, stopping wherever something is due, so that nothing is jumped over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.bootstrap import App, save_clock
from monitor.clock import ShiftedClock, StoppedClock, SystemClock
from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.errors import BadInput
from monitor.models import Alert, Message

AMOUNTS = {
    "10 minutes": timedelta(minutes=10),
    "1 hour": timedelta(hours=1),
    "4 hours": timedelta(hours=4),
    "1 day": timedelta(days=1),
    "3 days": timedelta(days=3),
    "1 week": timedelta(weeks=1),
}
NEXT = "next"
# Silence and the morning digest have no row with a time of their own: they are looked for every half hour.
LOOK_EVERY = timedelta(minutes=30)
MAX_STEPS = 800  # more than a day's worth of pages that nobody takes
PATIENCE = timedelta(seconds=20)  # how long somebody waits before the page
REAL_TIME = SystemClock()
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Moved:
    """How many stops were made, and whether the clock got as far as was asked."""

    steps: int
    arrived: bool


def move_clock(app: App, amount: str, run_everything: Callable[[], None]) -> Moved:
    """Move on by an amount, or to the next due instant; raises BadInput for any other amount."""
    if amount != NEXT and amount not in AMOUNTS:
        raise BadInput("amount", amount, "one of " + ", ".join([*AMOUNTS, NEXT]))
    with ONE_AT_A_TIME:
        now = app.clock.now()
        target = _next_due(app, now) if amount == NEXT else now + AMOUNTS[amount]
        if target is None:
            return Moved(0, arrived=True)
        try:
            return _walk(app, target, run_everything)
        finally:
            save_clock(app)


def due_after(session: Session, after: datetime) -> datetime | None:
    """The next instant at which a text leaves, an alert is looked at again, or a promised call is late."""
    moments = [
        session.scalar(select(func.min(Message.due_at)).where(Message.state == State.PLANNED, Message.due_at > after)),
        *(
            session.scalar(select(func.min(at)).where(Alert.closed_at.is_(None), at > after))
            for at in (Alert.step_at, Alert.told_by_at)
        ),
    ]
    return min((at for at in moments if at is not None), default=None)


def next_stop(now: datetime, target: datetime, due: datetime | None) -> datetime:
    """Where the clock halts next on its way: what is due, else the next full half hour, else the target.

    >>> at = datetime(2026, 11, 8, 9, 50, tzinfo=UTC)
    >>> next_stop(at, at + timedelta(hours=4), None).isoformat()
    '2026-11-08T10:00:00+00:00'
    """
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    half_hour = epoch + ((now - epoch) // LOOK_EVERY + 1) * LOOK_EVERY
    return min(target, half_hour, due or target)


def _walk(app: App, target: datetime, run_everything: Callable[[], None]) -> Moved:
    assert isinstance(app.clock, ShiftedClock | StoppedClock)
    steps, until = 0, REAL_TIME.now() + PATIENCE
    while (now := app.clock.now()) < target and steps < MAX_STEPS and REAL_TIME.now() < until:
        app.clock.move_to(next_stop(now, target, _next_due(app, now)))
        run_everything()
        steps += 1
    return Moved(steps, app.clock.now() >= target)


def _next_due(app: App, after: datetime) -> datetime | None:
    with transaction(app.sessions) as session:
        return due_after(session, after)
