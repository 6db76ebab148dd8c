"""Send what is due: claim, commit, hand over to the provider, record what became of it.

One text's trouble never holds up the others.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from monitor.clock import Clock
from monitor.db import Sessions
from monitor.errors import GatewayError, GatewayUnknown
from monitor.services.claim import BATCH, LEASE, Claimed, claim
from monitor.services.outcome import Ended, Outcome, record_outcomes
from monitor.services.pace import Held, Pace
from monitor.sms.gateway import Accepted, Gateway

AT_ONCE = 64  # texts that the provider is asked to take at the same time
EXPRESS = 16  # and as many urgent ones beside them: those wait for no check-in, not even for one that hangs
GATHER = 32  # outcomes that are worth a transaction of their own
PATIENCE = 0.1  # seconds to wait for the first outcome, before the worker looks at what else there is to do
PAUSE = 0.02  # seconds to wait for one more
# How long after its claim a text may still be handed over. The process may have been stopped in between, or the whole
# machine, and once the lease is over another worker may send it. The rest of the lease is for the provider's answer.
LEAVES_WITHIN = LEASE / 3

Job = Future[Accepted]


class Flight:
    """The texts that a worker has under way. It moves in steps, so that replies are read between them; when it is
    left, every text has ended and is recorded."""

    def __init__(
        self, sessions: Sessions, gateway: Gateway, clock: Clock, *, worker: str, pace: Pace | None = None
    ) -> None:
        self._pace = pace or Pace()
        self._sessions, self._gateway, self._clock, self._worker = sessions, gateway, clock, worker
        self._under_way: dict[int, tuple[Claimed, Job]] = {}
        self._ended: SimpleQueue[int] = SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        while self._under_way:
            self._record()

    def claim(self, limit: int = BATCH) -> int:
        """Take what is due, as far as there is room, and hand it over; returns how many that were."""
        urgent, others = self._in_the_air()
        can_wait = min(self._pace.room(self._clock.monotonic()), limit, AT_ONCE - others)
        limit = min(limit, EXPRESS - urgent)
        if limit <= 0 and can_wait <= 0:
            return 0
        began, now = self._clock.monotonic(), self._clock.now()
        batch = claim(self._sessions, now, worker=self._worker, limit=limit, can_wait=int(can_wait))
        self._pace.took(sum(not text.to_staff for text in batch))
        for text in batch:
            late = max(self._clock.now() - now, timedelta(seconds=self._clock.monotonic() - began)) > LEAVES_WITHIN
            job = _failed(Held()) if late else self._hand_over(text)
            self._under_way[text.id] = text, job
            job.add_done_callback(partial(self._note, text.id))
        return len(batch)

    def _in_the_air(self) -> tuple[int, int]:
        """How many texts the provider has not answered yet: urgent ones, and others."""
        flying = [text.urgent for text, job in self._under_way.values() if not job.done()]
        return sum(flying), len(flying) - sum(flying)

    def _hand_over(self, text: Claimed) -> Job:
        if self._pace.is_paused(self._clock.monotonic()) and not text.urgent:
            return _failed(Held())
        try:
            job = self._gateway.send(text.what)
        except Exception as error:  # noqa: BLE001 -- one that cannot even be handed over holds up no other
            return _failed(error)
        job.add_done_callback(self._keep_pace)
        return job

    def _keep_pace(self, job: Job) -> None:
        error = None if job.cancelled() else job.exception()
        self._pace.answered(error if isinstance(error, GatewayError) else None, self._clock.monotonic())

    def _note(self, key: int, _: Job) -> None:
        self._ended.put(key)

    def step(self) -> int:
        """Claim, and record what has ended meanwhile; returns how many texts were claimed, ended or are under way."""
        before = len(self._under_way)
        claimed = self.claim()
        if any(text.urgent for text, _ in self._under_way.values()):
            claimed += self.claim()  # those that can wait are not kept waiting by them
        self._record()
        return claimed + before

    def _record(self) -> None:
        ended = {}
        for key in self._gather():
            text, job = self._under_way.pop(key)
            ended[key] = Ended(text.attempt, _outcome_of(job))
        record_outcomes(self._sessions, ended, self._clock)

    def _gather(self) -> list[int]:
        """The texts that have ended: as many as are worth a transaction, unless that takes long."""
        ended: list[int] = []
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
