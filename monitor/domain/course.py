"""How an episode goes against what is usual: pain and gum by day, and what the protocol's own rules expect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


HURTS = {Sign.PAIN: Presence.PRESENT}


def usual(ceiling: Sequence[int]) -> list[tuple[float, float, float]]:
    """A range by day, from nothing up to each day's ceiling, as a picture draws it.

    >>> usual([6, 3])
    [(0, 0, 6), (1, 0, 3)]
    """
    return [(day, 0, high) for day, high in enumerate(ceiling)]


def _worries(protocol: Protocol, facts: Facts) -> bool:
    return assess(protocol, facts).band > Band.EXPECTED


def _gum_of(findings: Findings, sign: Sign) -> int | None:
    if findings.signs.get(sign) == Presence.ABSENT:
        return 0
    trend = findings.trend.get(sign)
    return _TRENDS[trend] if trend is not None else None
