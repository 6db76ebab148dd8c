"""Findings, day and history in; band, points and reasons out. (Written against the protocol's rules.)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.domain.terms import Amount, Band, Detail, Presence, Sign, Trend


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the patient at one moment: this reading joined with the open check-in, and the history.

    `day` is the postop day, `hours` since surgery where known. `last_pain` is the pain of the last earlier
    assessment that had one; `known` the signs that an earlier assessment already had (for "new" against "known");
    `words` the patient's words that showed each sign, for the reasons.
    """

    day: int
    hours: float | None = None
    signs: Mapping[Sign, Presence] = field(default_factory=dict)
    trend: Mapping[Sign, Trend] = field(default_factory=dict)
    amount: Mapping[Sign, Amount] = field(default_factory=dict)
    details: frozenset[Detail] = frozenset()
    pain: int | None = None
    temp_c: float | None = None
    last_pain: int | None = None
    known: frozenset[Sign] = frozenset()
    traits: frozenset[str] = frozenset()
    risks: frozenset[str] = frozenset()
    words: Mapping[Sign, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the rule, its sign, what was said, the threshold in words, its band and points, and who says so."""

    rule: str
    sign: Sign | None
    said: str
    text: str
    band: Band
    points: int
    source: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """How soon somebody must act, and why. `score` is the sum of the reasons' points."""

    band: Band
    score: int
    reasons: tuple[Reason, ...]
    signs: tuple[Sign, ...]  # the abnormal ones, worst first
    at_night: bool  # paged at night too
    ask: tuple[str, ...] = ()  # follow-up questions that the findings call for
