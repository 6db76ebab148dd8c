"""How fast texts that can wait are handed over: no faster than the sender's rate, so that the provider's own queue
stays short and an urgent text does not wait in it; and not at all while the provider asks for a pause."""

from __future__ import annotations

from math import inf

from monitor.errors import GatewayBusy, GatewayError

TOO_MANY_REQUESTS = 429
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds; doubled each time that the provider does not say how long
SPREAD = 0.5  # seconds' worth of texts that may leave in one go


class Held(GatewayError):
    """The provider asked for a pause before it was this text's turn, or that came too late: it was not handed over."""


class Pace:
    """One worker's. `now` is in seconds of Clock.monotonic; without a rate only the provider sets limits."""

    def __init__(self, per_second: float | None = None) -> None:
        self._rate = per_second
        self._most = max(1.0, per_second * SPREAD) if per_second else inf
        self._credit, self._seen = self._most, -inf
        self._silent_until, self._pause = -inf, FIRST_PAUSE

    def room(self, now: float) -> float:
        """How many texts that can wait may be claimed now."""
        if self.is_paused(now):
            return 0
        if self._rate is not None:
            self._credit = min(self._most, self._credit + max(now - self._seen, 0) * self._rate)
            self._seen = now
        return self._credit

    def is_paused(self, now: float) -> bool:
        return now < self._silent_until

    def took(self, count: int) -> None:
        """So many texts are leaving. Urgent ones may leave without room: those that can wait make up for them."""
        self._credit -= count

    def answered(self, error: GatewayError | None, now: float) -> None:
        """What the provider said to one text."""
        if error is None:
            self._pause = FIRST_PAUSE
        elif isinstance(error, GatewayBusy) and error.code == TOO_MANY_REQUESTS and not self.is_paused(now):
            asked = error.retry_after if error.retry_after is not None else self._pause
            self._silent_until = now + min(asked, LONGEST_PAUSE)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
