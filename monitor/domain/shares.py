"""Shares, and how long things took: numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

NORMAL_95 = 1.96  # standard deviations that hold 95 % of a normal distribution


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
