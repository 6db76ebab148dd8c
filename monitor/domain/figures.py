"""The arithmetic of reports: shares, medians, how often a rule was right. Numbers in, numbers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import sqrt
from zoneinfo import ZoneInfo

from monitor.domain.localtime import local_instant
from monitor.domain.protocol import NOT_REACHED
from monitor.domain.terms import Band, Need
from monitor.errors import BadInput

FEW = 20  # below so many cases a share says little
NORMAL_95 = 1.96  # standard deviations that hold 95 % of a normal distribution
MONTHS_AT_MOST = 24
RAISES = frozenset({"alert_opened", "alert_raised"})
FIRSTS: Mapping[str, str] = {"paged": "paged", "alert_taken": "taken", "outcome": "contact"}  # steps, by their event


# --- shares and times


def share(part: int, whole: int) -> float | None:
    """How much of it, from 0 to 1; None of nothing.

    >>> share(3, 4), share(0, 0)
    (0.75, None)
    """
    return part / whole if whole else None


def likely(part: int, whole: int) -> tuple[float, float] | None:
    """Between which shares the true one lies, 19 times in 20 (Wilson 1927): wide where there are few cases.

    >>> [round(edge, 2) for edge in likely(9, 10)], [round(edge, 2) for edge in likely(90, 100)], likely(0, 0)
    ([0.6, 0.98], [0.83, 0.94], None)
    """
    if not whole:
        return None
    found, spread = part / whole, NORMAL_95**2 / whole
    middle = (found + spread / 2) / (1 + spread)
    half = sqrt(spread * (found * (1 - found) + spread / 4)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def quantile(values: Sequence[float], part: float) -> float | None:
    """The value that so much of them (0 to 1) does not exceed, between two neighbours in a straight line.

    >>> quantile([4, 1, 3, 2], 0.5), quantile([10, 20, 30], 0.9), quantile([7], 0.9), quantile([], 0.5)
    (2.5, 28.0, 7.0, None)
    """
    if not values:
        return None
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in minutes: how often it happened, half of the times, nine in ten."""

    count: int
    median: float | None
    ninety: float | None


def times_of(minutes: Sequence[float]) -> Times:
    """
    >>> times_of([10, 20, 60])
    Times(count=3, median=20.0, ninety=52.0)
    """
    return Times(len(minutes), quantile(minutes, 0.5), quantile(minutes, 0.9))


def minutes_between(start: datetime, end: datetime) -> float:
    """Never less than none: a text may have been on its way before the question it answers was reported sent.

    >>> minutes_between(datetime(2026, 11, 2, 9), datetime(2026, 11, 2, 10, 30))
    90.0
    """
    return max(0.0, (end - start).total_seconds() / 60)


def count_within(minutes: Iterable[float], edges: Sequence[float]) -> list[int]:
    """How many took up to each edge and longer than the one before it; those beyond the last come last.

    >>> count_within([5, 15, 16, 500], [15, 60])
    [2, 1, 1]
    """
    counts = [0] * (len(edges) + 1)
    for value in minutes:
        counts[next((place for place, edge in enumerate(edges) if value <= edge), len(edges))] += 1
    return counts


# --- what happened to an alert


@dataclass(frozen=True, slots=True)
class Moment:
    """An event of an alert. `said` is the band that it was raised to, or the outcome that was recorded."""

    kind: str
    at: datetime
    said: str | None = None


def reached_at(moments: Iterable[Moment], band: Band) -> datetime | None:
    """When an alert was first raised to this band: what came before it was somebody's lesser worry.

    >>> at = [datetime(2026, 11, 2, hour) for hour in (9, 13, 15)]
    >>> raises = Moment("alert_opened", at[0], "soon"), Moment("alert_raised", at[1], "urgent")
    >>> reached_at([*raises, Moment("alert_raised", at[2], "urgent")], Band.URGENT).hour
    13
    >>> reached_at([], Band.URGENT) is None
    True
    """
    return min((moment.at for moment in moments if moment.kind in RAISES and moment.said == band), default=None)


def first_steps(moments: Iterable[Moment], since: datetime) -> dict[str, float]:
    """Minutes from that moment to the first page, the first taking and the first contact after it, if it came to them.

    Nobody's first contact is an outcome that says that the patient was not reached.

    >>> at = [datetime(2026, 11, 2, 9, minute) for minute in (0, 1, 5, 8, 20)]
    >>> before = Moment("paged", datetime(2026, 11, 2, 8))
    >>> tried = Moment("outcome", at[2], "not_reached"), Moment("outcome", at[4], "seen")
    >>> first_steps([before, Moment("paged", at[1]), Moment("paged", at[3]), *tried], at[0])
    {'paged': 1.0, 'contact': 20.0}
    """
    steps: dict[str, float] = {}
    for moment in sorted(moments, key=lambda moment: moment.at):
        if moment.kind in FIRSTS and moment.at >= since and moment.said != NOT_REACHED:
            steps.setdefault(FIRSTS[moment.kind], minutes_between(since, moment.at))
    return steps


# --- how often a rule was right


@dataclass(frozen=True, slots=True)
class Closed:
    """An alert that somebody closed: what the patient needed, and the rules that it carried with their words."""

    needed: Need
    rules: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RuleValue:
    """Of `count` closed alerts that carried a rule, in `right` the patient needed somebody, in `care` more than
    advice."""

    rule: str
    words: str
    count: int
    right: int
    care: int

    @property
    def share(self) -> float | None:
        return share(self.right, self.count)

    @property
    def is_few(self) -> bool:
        return self.count < FEW


def rule_values(closed: Iterable[Closed]) -> list[RuleValue]:
    """The predictive value of every rule, those with the most alerts first.

    >>> pus, pain = {"pus": "Pus."}, {"pain": "Pain."}
    >>> closed = Closed(Need.CARE, pus | pain), Closed(Need.NOTHING, pain), Closed(Need.ADVICE, pain)
    >>> found = rule_values(closed)
    >>> [(value.rule, value.count, value.right, value.care) for value in found]
    [('pain', 3, 2, 1), ('pus', 1, 1, 1)]
    """
    words: dict[str, str] = {}
    carried, right, care = Counter[str](), Counter[str](), Counter[str]()
    for alert in closed:
        words |= alert.rules
        carried.update(alert.rules.keys())
        right.update(alert.rules.keys() if alert.needed != Need.NOTHING else ())
        care.update(alert.rules.keys() if alert.needed == Need.CARE else ())
    values = [RuleValue(rule, words[rule], carried[rule], right[rule], care[rule]) for rule in carried]
    return sorted(values, key=lambda value: (-value.count, value.rule))


# --- months and weeks on a clinic's calendar


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
