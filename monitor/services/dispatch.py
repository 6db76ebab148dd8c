"""Send what is due: claim, commit, hand over to the provider, record what became of it.

One text's trouble never holds up the others.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Self

from monitor.clock import Clock
from monitor.db import Sessions
from monitor.errors import GatewayError, GatewayUnknown
from monitor.services.claim import BATCH, LEASE, Claimed, claim
from monitor.services.outcome import Ended, Outcome, record_outcomes
from monitor.services.pace import Held, Pace
from monitor.sms.gateway import Accepted, Gateway

AT_ONCE = 88  # texts that the provider is asked to take at the same time; Twilio allows an account about 100
EXPRESS = 12  # and as many urgent ones beside them: those wait for no check-in, not even for one that hangs
AHEAD = 128  # texts that are claimed and wait for one of those to end: they leave while outcomes are written down
GATHER = 64  # outcomes that are worth a transaction of their own
PATIENCE = 0.1  # seconds to wait for the first outcome, before the worker looks at what else there is to do
PAUSE = 0.02  # seconds to wait for one more
# How long after its claim a text may still be handed over. The process may have been stopped in between, or the whole
# machine, and once the lease is over another worker may send it. The rest of the lease is for the provider's answer.
LEAVES_WITHIN = LEASE / 3

Job = Future[Accepted]
Moment = tuple[float, datetime]  # by Clock.monotonic and Clock.now


class Flight:
    """The texts that a worker has under way. It moves in steps, so that replies are read between them; when it is
    left, every text has ended and is recorded."""

    def __init__(
        self, sessions: Sessions, gateway: Gateway, clock: Clock, *, worker: str, pace: Pace | None = None
    ) -> None:
        self._pace = pace or Pace()
        self._sessions, self._gateway, self._clock, self._worker = sessions, gateway, clock, worker
        self._under_way: dict[int, Claimed] = {}  # claimed and not recorded
        self._waiting: deque[tuple[Claimed, Moment]] = deque()  # those not handed over yet, and when they were claimed
        self._ended: SimpleQueue[tuple[Claimed, Job]] = SimpleQueue()
        self._flying = 0  # those that the provider has not answered, without the urgent ones
        self._counting, self._feeding = Lock(), Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        while self._under_way:
            self._record()

    def claim(self, limit: int = BATCH) -> int:
        """Take what is due, as far as there is room, and have it handed over; returns how many that were."""
        urgent = sum(text.urgent for text in self._under_way.values())
        room = AT_ONCE + AHEAD - self._flying - len(self._waiting)
        can_wait = int(min(self._pace.room(self._clock.monotonic()), limit, room))
        limit = min(limit, EXPRESS - urgent)
        if limit <= 0 and can_wait <= 0:
            return 0
        at = self._clock.monotonic(), self._clock.now()
        batch = claim(self._sessions, at[1], worker=self._worker, limit=limit, can_wait=can_wait)
        self._pace.took(sum(not text.to_staff for text in batch))
        self._under_way |= {text.id: text for text in batch}
        for text in batch:
            if text.urgent:
                self._hand_over(text, at)
            else:
                self._waiting.append((text, at))
        self._feed()
        return len(batch)

    def _feed(self) -> None:
        """Hand over those that wait, as far as the provider is to be asked at once; by whoever comes first."""
        if not self._feeding.acquire(blocking=False):
            return
        try:
            while self._waiting and self._flying < AT_ONCE:
                with self._counting:
                    self._flying += 1
                self._hand_over(*self._waiting.popleft())
        finally:
            self._feeding.release()

    def _hand_over(self, text: Claimed, at: Moment) -> None:
        try:
            job = _failed(Held()) if self._is_held(text, at) else self._gateway.send(text.what)
        except Exception as error:  # noqa: BLE001 -- one that cannot even be handed over holds up no other
            job = _failed(error)
        job.add_done_callback(partial(self._note, text))

    def _is_held(self, text: Claimed, at: Moment) -> bool:
        now = self._clock.monotonic()
        waited = max(timedelta(seconds=now - at[0]), self._clock.now() - at[1])
        return waited > LEAVES_WITHIN or (self._pace.is_paused(now) and not text.urgent)

    def _note(self, text: Claimed, job: Job) -> None:
        """Whatever thread it ends in: the next one leaves at once, and what came of it is written down later."""
        error = None if job.cancelled() else job.exception()
        if not isinstance(error, Held):
            self._pace.answered(error if isinstance(error, GatewayError) else None, self._clock.monotonic())
        self._ended.put((text, job))
        if not text.urgent:
            with self._counting:
                self._flying -= 1
            self._feed()

    def step(self) -> int:
        """Claim, and record what has ended meanwhile; returns how many texts were claimed, ended or are under way."""
        before = len(self._under_way)
        claimed = self.claim()
        if any(text.urgent for text in self._under_way.values()):
            claimed += self.claim()  # those that can wait are not kept waiting by them
        self._record()
        return claimed + before

    def _record(self) -> None:
        self._feed()  # whoever held the turn may have left it just before there was room
        ended = {text.id: Ended(text.attempt, _outcome_of(job)) for text, job in self._gather()}
        for key in ended:
            del self._under_way[key]
        record_outcomes(self._sessions, ended, self._clock)

    def _gather(self) -> list[tuple[Claimed, Job]]:
        """The texts that have ended: as many as are worth a transaction, unless that takes long."""
        ended: list[tuple[Claimed, Job]] = []
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


def _failed(error: Exception) -> Job:
    job: Job = Future()
    job.set_exception(error)
    return job


def _outcome_of(job: Job) -> Outcome:
    if job.cancelled():
        return GatewayUnknown("the request was broken off")
    error = job.exception()
    if error is None:
        return job.result()
    if not isinstance(error, Exception):
        raise error
    return error
