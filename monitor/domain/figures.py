"""What reports count: what became of check-ins and alerts, how soon, and how often a rule was right.

Facts in, numbers out; a report writes the numbers down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from monitor.domain.protocol import NOT_REACHED
from monitor.domain.shares import Times, minutes_between, share, times_of
from monitor.domain.terms import Band, Need

FEW = 20  # below so many cases a share says little
STILL_OPEN = "open"
RAISES = frozenset({"alert_opened", "alert_raised"})
FIRSTS: Mapping[str, str] = {"paged": "paged", "alert_taken": "taken", "outcome": "contact"}  # steps, by their event

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """
    >>> grouped([1, 2, 3], lambda number: number % 2)
    {1: [1, 3], 0: [2]}
    """
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


# --- check-ins


class Fate(StrEnum):
    """What became of a check-in that was asked."""

    ANSWERED = "answered"
    PARTIAL = "partial"  # half answered, and then silent
    SILENT = "silent"
    UNREACHED = "unreached"  # the question never reached the phone
    OPEN = "open"  # there is time left
    STOPPED = "stopped"  # nobody wants the answer any more


@dataclass(frozen=True, slots=True)
class Asked:
    """A check-in whose question left, or was lost on its way: the day when, and how soon the first reply came."""

    on: date
    day: int
    fate: Fate
    minutes: float | None


def fate_of(state: str, *, silent: bool, answered: bool) -> Fate:
    """What a check-in's state means, given whether its silence was noticed and anything was answered.

    >>> [str(fate_of("open", silent=True, answered=told)) for told in (True, False)]
    ['partial', 'silent']
    >>> [str(fate_of(state, silent=False, answered=False)) for state in ("planned", "skipped", "unreached")]
    ['open', 'stopped', 'unreached']
    """
    if state == "open" and silent:
        return Fate.PARTIAL if answered else Fate.SILENT
    return Fate.STOPPED if state in {"cancelled", "skipped"} else Fate.OPEN if state == "planned" else Fate(state)


def count_fates(asked: Iterable[Asked]) -> Counter[Fate]:
    """
    >>> count_fates([Asked(date(2026, 11, 2), 4, Fate.SILENT, None)] * 2)[Fate.SILENT]
    2
    """
    return Counter(each.fate for each in asked)


def reply_minutes(asked: Iterable[Asked]) -> list[float]:
    """How long each first reply took; who did not reply has none.

    >>> day = date(2026, 11, 2)
    >>> reply_minutes([Asked(day, 4, Fate.ANSWERED, 12.0), Asked(day, 4, Fate.SILENT, None)])
    [12.0]
    """
    return [each.minutes for each in asked if each.minutes is not None]


# --- alerts


@dataclass(frozen=True, slots=True)
class Opened:
    """An alert: the day on which it came up where the clinic is, and how many minutes it took from reaching its band
    to each first step."""

    id: int
    on: date
    band: Band
    kind: str
    outcome: str | None
    pages: int
    tries: int  # that did not reach the patient
    steps: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Load:
    """So many alerts, by their band and kind, and the pages that went out for them."""

    alerts: int
    bands: Mapping[Band, int]
    kinds: Mapping[str, int]
    pages: int


def load_of(alerts: Collection[Opened]) -> Load:
    """
    >>> pus = Opened(1, date(2026, 11, 2), Band.URGENT, "finding", None, 3, 0, {})
    >>> load = load_of([pus, pus])
    >>> load.alerts, load.bands[Band.URGENT], load.bands[Band.SOON], load.kinds["finding"], load.pages
    (2, 2, 0, 2, 6)
    """
    bands, kinds = Counter(alert.band for alert in alerts), Counter(alert.kind for alert in alerts)
    return Load(len(alerts), bands, kinds, sum(alert.pages for alert in alerts))


def times_to(step: str, alerts: Iterable[Opened]) -> Times:
    """How long it took to a step, of those alerts that came to it.

    >>> alerts = [Opened(1, date(2026, 11, 2), Band.URGENT, "finding", None, 1, 0, {"paged": 2.0})] * 2
    >>> times_to("paged", alerts).median, times_to("taken", alerts).count
    (2.0, 0)
    """
    return times_of([alert.steps[step] for alert in alerts if step in alert.steps])


def count_outcomes(alerts: Iterable[Opened]) -> Counter[str]:
    """How many alerts ended by each outcome, or are open still.

    >>> alert = Opened(1, date(2026, 11, 2), Band.URGENT, "finding", None, 1, 0, {})
    >>> count_outcomes([alert])
    Counter({'open': 1})
    """
    return Counter(alert.outcome or STILL_OPEN for alert in alerts)


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
    """An alert that somebody closed: the day on which it came up, what the patient needed, and the rules that it
    carried with their words."""

    on: date
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


def rule_values(closed: Collection[Closed]) -> list[RuleValue]:
    """The predictive value of every rule, those with the most alerts first.

    >>> pus, pain, day = {"pus": "Pus."}, {"pain": "Pain."}, date(2026, 11, 2)
    >>> closed = Closed(day, Need.CARE, pus | pain), Closed(day, Need.NOTHING, pain), Closed(day, Need.ADVICE, pain)
    >>> found = rule_values(closed)
    >>> [(value.rule, value.count, value.right, value.care) for value in found]
    [('pain', 3, 2, 1), ('pus', 1, 1, 1)]
    """
    words = {rule: text for alert in closed for rule, text in alert.rules.items()}
    of = grouped(((rule, alert) for alert in closed for rule in alert.rules), lambda pair: pair[0])
    values = [value_of([alert for _, alert in pairs], rule, words[rule]) for rule, pairs in of.items()]
    return sorted(values, key=lambda value: (-value.count, value.rule))


def value_of(closed: Collection[Closed], rule: str, words: str = "") -> RuleValue:
    """How often the patients of these alerts needed somebody.

    >>> day = date(2026, 11, 2)
    >>> value_of([Closed(day, Need.NOTHING, {}), Closed(day, Need.CARE, {})], "any").share
    0.5
    """
    needs = Counter(alert.needed for alert in closed)
    return RuleValue(rule, words, len(closed), len(closed) - needs[Need.NOTHING], needs[Need.CARE])
