"""Months and weeks on a clinic's calendar, as reports ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.domain.localtime import local_instant
from monitor.errors import BadInput

MONTHS_AT_MOST = 24


@dataclass(frozen=True, slots=True)
class Months:
    """From the first day of a month to the last day of the same or a later one."""

    first: date
    last: date  # the first day of the last month

    @property
    def ends(self) -> date:
        """The first day that belongs to it no more."""
        return next_month(self.last)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The instants between which it lies where the clinic is.

        >>> edges = Months(date(2026, 11, 1), date(2026, 11, 1)).bounds(ZoneInfo("America/New_York"))
        >>> [edge.isoformat() for edge in edges]  # the clocks go back within it
        ['2026-11-01T04:00:00+00:00', '2026-12-01T05:00:00+00:00']
        """
        return local_instant(self.first, time(), zone), local_instant(self.ends, time(), zone)

    def weeks(self) -> list[date]:
        """The Mondays of the weeks that have a day in it.

        >>> [day.isoformat() for day in Months(date(2026, 11, 1), date(2026, 11, 1)).weeks()][:2]
        ['2026-10-26', '2026-11-02']
        """
        monday, mondays = week_of(self.first), []
        while monday < self.ends:
            mondays.append(monday)
            monday += timedelta(days=7)
        return mondays

    def __iter__(self) -> Iterator[date]:
        month = self.first
        while month < self.ends:
            yield month
            month = next_month(month)


def parse_months(first: str, last: str, today: date) -> Months:
    """A span of months from what an address says; nothing said is the month of today.

    >>> parse_months("2026-09", "2026-11", date(2026, 11, 8)) == Months(date(2026, 9, 1), date(2026, 11, 1))
    True
    >>> parse_months("", "", date(2026, 11, 8)).first.isoformat()
    '2026-11-01'
    >>> parse_months("2026-13", "", date(2026, 11, 8))
    Traceback (most recent call last):
    monitor.errors.BadInput: month: found '2026-13'; allowed: a month such as 2026-11
    """
    begins = _month("month", first) if first else today.replace(day=1)
    ends = _month("until", last) if last else begins
    if not begins <= ends < _months_later(begins, MONTHS_AT_MOST):
        raise BadInput("until", last, f"a month from {begins:%Y-%m} on, {MONTHS_AT_MOST} months in all at most")
    return Months(begins, ends)


def month_of(day: date) -> date:
    """The first day of its month.

    >>> month_of(date(2026, 11, 8)).isoformat()
    '2026-11-01'
    """
    return day.replace(day=1)


def week_of(day: date) -> date:
    """The Monday of its week.

    >>> week_of(date(2026, 11, 8)).isoformat()
    '2026-11-02'
    """
    return day - timedelta(days=day.weekday())


def next_month(month: date) -> date:
    """The first day of the month after.

    >>> next_month(date(2026, 12, 1)).isoformat()
    '2027-01-01'
    """
    return _months_later(month, 1)


def months_before(day: date, count: int) -> date:
    """The first day of the month so many months before the one of this day.

    >>> months_before(date(2026, 11, 8), 11).isoformat()
    '2025-12-01'
    """
    return _months_later(day, -count)


def _months_later(month: date, count: int) -> date:
    years, place = divmod(month.month - 1 + count, 12)
    return date(month.year + years, place + 1, 1)


def _month(field: str, text: str) -> date:
    digits = text.replace("-", "", 1)
    if len(text) == 7 and text[4] == "-" and digits.isascii() and digits.isdigit():
        year, month = int(text[:4]), int(text[5:])
        if 2000 <= year <= 2100 and 1 <= month <= 12:
            return date(year, month, 1)
    raise BadInput(field, text[:40], "a month such as 2026-11")
