"""How an episode goes against what is usual: pain and gum by day, and what the protocol's own rules expect."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from monitor.domain.findings import Findings
from monitor.domain.protocol import Protocol
from monitor.domain.score import Facts, assess
from monitor.domain.terms import Band, Presence, Sign, Trend

WORST_PAIN = 10
GUM = ("gone", "going down", "the same", "worse")  # as the question counts them
_TRENDS = {Trend.BETTER: 1, Trend.SAME: 2, Trend.WORSE: 3}


@dataclass(frozen=True, slots=True)
class Point:
    """What one text said: postop day, pain of 0 to 10, gum of 0 (gone) to 3 (worse), each where it was said."""

    day: int
    pain: int | None = None
    gum: int | None = None


def points_of(texts: Iterable[tuple[int, Findings]]) -> list[Point]:
    """What the texts of an episode said, by day; of one day the last word.

    >>> points_of([(4, Findings(pain=3)), (4, Findings(pain=2)), (7, Findings())])
    [Point(day=4, pain=2, gum=None)]
    """
    days: dict[int, Point] = {}
    for day, findings in texts:
        pain, gum = pain_of(findings), gum_of(findings)
        if pain is None and gum is None:
            continue
        before = days.get(day, Point(day))
        days[day] = Point(day, before.pain if pain is None else pain, before.gum if gum is None else gum)
    return [days[day] for day in sorted(days)]


def pain_of(findings: Findings) -> int | None:
    """
    >>> pain_of(Findings(signs={Sign.PAIN: Presence.ABSENT})), pain_of(Findings(pain=4)), pain_of(Findings())
    (0, 4, None)
    """
    if findings.pain is not None:
        return findings.pain
    return 0 if findings.signs.get(Sign.PAIN) == Presence.ABSENT else None


def gum_of(findings: Findings) -> int | None:
    """The worse of swelling and redness; of one that is there without a word of trend nothing is known.

    >>> gum_of(Findings(signs={Sign.SWELLING: Presence.PRESENT}, trend={Sign.SWELLING: Trend.SAME}))
    2
    """
    found = [_gum_of(findings, sign) for sign in (Sign.SWELLING, Sign.REDNESS)]
    return max((level for level in found if level is not None), default=None)


def expected_pain(protocol: Protocol, day: int) -> int:
    """The highest score for which nobody need be called on that day, by the protocol's rules. Source: the rules' own.

    The rules for rising pain need an earlier score and are left out.
    """
    scores = [pain for pain in range(WORST_PAIN + 1) if not _worries(protocol, Facts(day=day, pain=pain, signs=HURTS))]
    return max(scores, default=0)


def expected_gum(protocol: Protocol, day: int) -> int:
    """The same for the gum, 0 (gone) to 3 (worse)."""
    there = {Sign.SWELLING: Presence.PRESENT}
    levels = [
        level
        for trend, level in _TRENDS.items()
        if not _worries(protocol, Facts(day=day, signs=there, trend={Sign.SWELLING: trend}))
    ]
    return max(levels, default=0)


def by_day(expected: Callable[[Protocol, int], int], protocol: Protocol, days: Iterable[int]) -> list[int]:
    """What is expected on each of these days, asked once for each span of days in which the same rules hold: a year
    after surgery is a few spans, and 366 days.

    >>> from monitor.domain.protocol import RiskLift, Rule, When
    >>> late = Rule("late", When(Sign.PAIN, day_min=7, pain_min=4), Band.SOON, 1, "pain of 4 or more", "S0")
    >>> lift = RiskLift("lift", 2, Band.SOON, Band.URGENT, "two risk factors", "S0")
    >>> tiny = Protocol("tiny", {Sign.PAIN: "pain"}, frozenset(), (late,), (), {}, lift, (), {}, {}, 7)
    >>> by_day(expected_pain, tiny, range(5, 9))
    [10, 10, 3, 3]
    """
    starts = sorted(_starts_of_spans(protocol))
    found: dict[int, int] = {}

    def expected_on(day: int) -> int:
        span = bisect_right(starts, day)
        if span not in found:
            found[span] = expected(protocol, day)
        return found[span]

    return [expected_on(day) for day in days]


def _starts_of_spans(protocol: Protocol) -> set[int]:
    """The days on which a rule begins to hold, or has ceased to."""
    begin = {rule.when.day_min for rule in protocol.rules if rule.when.day_min is not None}
    return begin | {rule.when.day_max + 1 for rule in protocol.rules if rule.when.day_max is not None}


HURTS = {Sign.PAIN: Presence.PRESENT}


def usual(ceiling: Sequence[int]) -> list[tuple[float, float, float]]:
    """A range by day, from nothing up to each day's ceiling, as a picture draws it: the corners alone, since a line
    between two says what lies between them.

    >>> usual([6, 6, 6, 3])
    [(0, 0, 6), (2, 0, 6), (3, 0, 3)]
    """
    last = len(ceiling) - 1
    corners = (day for day in range(last + 1) if day in (0, last) or len({*ceiling[day - 1 : day + 2]}) > 1)
    return [(day, 0, ceiling[day]) for day in corners]


def _worries(protocol: Protocol, facts: Facts) -> bool:
    return assess(protocol, facts).band > Band.EXPECTED


def _gum_of(findings: Findings, sign: Sign) -> int | None:
    if findings.signs.get(sign) == Presence.ABSENT:
        return 0
    trend = findings.trend.get(sign)
    return _TRENDS[trend] if trend is not None else None
