"""Local clocks: where a wall-clock time becomes an instant, right through both nights on which clocks change."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.errors import BadInput

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def local_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall-clock time. One that a clock skips is taken as the hour after the jump;
    one that comes twice as the first.

    >>> local_instant(date(2026, 3, 29), time(2, 30), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-03-29T01:30:00+00:00'
    >>> local_instant(date(2026, 10, 25), time(2, 30), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-10-25T00:30:00+00:00'
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def parse_date(field: str, text: str) -> date:
    """A calendar date.

    >>> parse_date("surgery", "2026-11-18")
    datetime.date(2026, 11, 18)
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(field, text, "a date such as 2026-11-18") from None


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day, local: from `start` to `end`, over midnight where `end` is the earlier one."""

    start: time
    end: time

    def holds(self, at: time) -> bool:
        """
        >>> Window(time(22), time(7)).holds(time(3)), Window(time(9), time(20)).holds(time(20))
        (True, False)
        """
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    def next_open(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """This instant if it lies inside, else the next time the window opens."""
        local = instant.astimezone(zone)
        if self.holds(local.time()):
            return instant
        day = local.date() if local.time() < self.start else local.date() + timedelta(days=1)
        return local_instant(day, self.start, zone)

    def after(self, instant: datetime, duration: timedelta, zone: ZoneInfo) -> datetime:
        """The moment by which so much time has passed inside the window.

        >>> evening = datetime(2026, 11, 8, 21, 30, tzinfo=UTC)
        >>> Window(time(7), time(22)).after(evening, timedelta(hours=4), ZoneInfo("UTC")).isoformat()
        '2026-11-09T10:30:00+00:00'
        """
        at = self.next_open(instant, zone)
        local = at.astimezone(zone)
        closes_on = local.date() if local.time() < self.end else local.date() + timedelta(days=1)
        closes = local_instant(closes_on, self.end, zone)
        if at + duration <= closes or self.start == self.end:
            return at + duration
        return self.after(closes, duration - (closes - at), zone)


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """When a clinic is at work: its hours by weekday, less its holidays. All local to `zone`."""

    zone: ZoneInfo
    hours: Mapping[str, Window] = field(default_factory=dict)
    holidays: Set[date] = frozenset()

    def hours_on(self, day: date) -> Window | None:
        return None if day in self.holidays else self.hours.get(WEEKDAYS[day.weekday()])

    def works_at(self, instant: datetime) -> bool:
        local = instant.astimezone(self.zone)
        hours = self.hours_on(local.date())
        return hours is not None and hours.holds(local.time())

    def next_opening(self, instant: datetime) -> datetime:
        """This instant if the clinic is at work, else when it opens next; at all hours without any hours."""
        local = instant.astimezone(self.zone)
        for ahead in range(31):
            day = local.date() + timedelta(days=ahead)
            hours = self.hours_on(day)
            if hours is None or (ahead == 0 and local.time() >= hours.end):
                continue
            return max(instant, local_instant(day, hours.start, self.zone))
        return instant

    def next_working_day(self, after: date) -> date:
        """The first working day after this one; a clinic with no hours at all works every day.

        >>> week = {d: Window(time(8), time(18)) for d in WEEKDAYS[:5]}
        >>> WorkCalendar(ZoneInfo("UTC"), week).next_working_day(date(2026, 11, 20)).isoformat()
        '2026-11-23'
        """
        for ahead in range(1, 31):
            day = after + timedelta(days=ahead)
            if self.hours_on(day) is not None:
                return day
        return after + timedelta(days=1)
