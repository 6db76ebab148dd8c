"""The only reader of the time. Everything else is handed an aware UTC instant."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, aware and in UTC; `monotonic` counts seconds, whatever time it is set to."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class ShiftedClock:
    """The machine's clock moved by an offset: the one virtual clock of demo, phones and simulator."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        return time.monotonic()

    def move_to(self, instant: datetime) -> None:
        """Set the clock so that it reads `instant` now."""
        self.offset = instant - datetime.now(UTC)


class StoppedClock:
    """Stands still until it is told to move: for the demo's time-lapse and for tests."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.instant.timestamp()

    def move_to(self, instant: datetime) -> None:
        self.instant = instant

    def forward(self, **parts: float) -> None:
        """Move on by so many days, hours, minutes or seconds."""
        self.instant += timedelta(**parts)
