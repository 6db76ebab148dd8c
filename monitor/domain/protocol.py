"""A protocol as the program uses it: rules, calendar, questions. Loaded from data by load_protocol.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from monitor.domain.terms import Amount, Band, Detail, Need, Sign, Trend

# The facts of an episode that steps and rules may ask for.
TRAITS = frozenset(
    {
        "two_stage",
        "upper",
        "lower",
        "crown_fitted",
        "not_crown_fitted",
        "removable_stitches",
        "removable_stitches_plain",
        "removable_stitches_flap",
        "flap",
        "planned",
    }
)


NOT_REACHED = "not_reached"  # the outcome that closes nothing: paging goes on
MISREAD = "misread"
CARE = frozenset({"booked", "seen", "part_replaced", "medicine", "referred", "emergency_care"})  # more than advice


class StepKind(StrEnum):
    """What a planned text is for."""

    CARE = "care"  # day 0: how to look after it; the first text, names the clinic
    SAFETY = "safety"  # day 1: numb, bleeding, breathing
    CHECKIN = "checkin"
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class Step:
    """One planned text of the calendar: so many days or months after surgery, local time.

    `expires_days` counts days from the step's own day: 0 = useless tomorrow. `repeat_months` makes it recur
    forever. `needs` names a trait of the episode without which it is skipped ("removable_stitches").
    `send_late` says what to do when its time has passed: send at once until it expires, or skip it.
    """

    key: str
    kind: StepKind
    message: str
    source: str
    days: int = 0
    months: int = 0
    at: time | None = None
    expires_days: int = 1
    repeat_months: int | None = None
    needs: str | None = None
    send_late: bool = True
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One numbered choice of a question: the digit, and what it says."""

    digit: int
    sign: Sign | None = None
    trend: Trend | None = None
    absent: bool = False
    amount: Amount | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a check-in, or a follow-up about a sign.

    `name` is a sign's name, `gum` or `signs`; `message` the text that asks it. A follow-up is asked after
    `after` was read as present and what it asks for is not known yet.
    """

    name: str
    message: str
    signs: tuple[Sign, ...]
    options: tuple[Option, ...] = ()
    after: Sign | None = None


@dataclass(frozen=True, slots=True)
class When:
    """The condition of a rule; every part that is given must hold.

    `pain_min`, `pain_max` and `rise_min` are points of 0-10, `temp_min` (that or more) and `temp_below`
    degrees Celsius, `hours_max` and `hours_min` hours since surgery; an unknown number is within no limits.
    `no_number`: no pain score or temperature was given for this sign. `no_trend` beside `trend` allows
    silence as well as those words, `no_amount` likewise. `with_any` are signs of which one must be abnormal
    beside this one, `beside` signs of which one must be there at all. `new` asks whether no earlier
    assessment had the sign. `trait` is one of TRAITS, `risk` a risk factor.
    """

    sign: Sign
    day_min: int | None = None
    day_max: int | None = None
    trend: tuple[Trend, ...] = ()
    no_trend: bool = False
    amount: tuple[Amount, ...] = ()
    no_amount: bool = False
    detail: Detail | None = None
    without_detail: Detail | None = None
    pain_min: int | None = None
    pain_max: int | None = None
    rise_min: int | None = None
    temp_min: float | None = None
    temp_below: float | None = None
    no_number: bool = False
    hours_min: float | None = None
    hours_max: float | None = None
    with_any: tuple[Sign, ...] = ()
    beside: tuple[Sign, ...] = ()
    new: bool | None = None
    trait: str | None = None
    risk: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of clinical knowledge: when it holds, how soon somebody must act, why, and who says so.

    `at_night` marks an urgent finding that is paged at night too, `clock` one that loses its chance by the
    hour. Where this rule holds, those it `replaces` are left out: it says the same sign more exactly.
    """

    id: str
    when: When
    band: Band
    points: int
    reason: str
    source: str
    at_night: bool = False
    ask: str | None = None  # a follow-up question that this finding calls for
    clock: bool = False
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Combination:
    """So many findings of one band make a higher one; each group counts as one finding."""

    id: str
    count: int
    of: Band
    makes: Band
    groups: tuple[frozenset[Sign], ...]
    points: int
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk factor: its points, and whether it helps to lift `soon` to `urgent`."""

    name: str
    points: int
    lifts: bool
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class RiskLift:
    """From `count` lifting risk factors on, `of` becomes `makes`."""

    id: str
    count: int
    of: Band
    makes: Band
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What staff record when they have dealt with an alert, and what the patient turned out to need.

    None: it does not say; only the outcome that closes nothing need not.
    """

    words: str
    needed: Need | None = None


def need_of(key: str, outcomes: Mapping[str, Outcome]) -> Need | None:
    """What an outcome says that the patient needed, by this protocol's mark.

    Without one, as in versions of before there were marks, that somebody was needed, unless it was misread.

    >>> need_of("well", {"well": Outcome("called: all is well", Need.NOTHING)})
    <Need.NOTHING: 'nothing'>
    >>> [need_of(key, {"seen": Outcome("seen")}) for key in ("misread", "seen", "advised")]
    [<Need.NOTHING: 'nothing'>, <Need.CARE: 'care'>, <Need.ADVICE: 'advice'>]
    """
    marked = outcomes[key].needed if key in outcomes else None
    if marked is not None or key == NOT_REACHED:
        return marked
    return Need.NOTHING if key == MISREAD else Need.CARE if key in CARE else Need.ADVICE


def outcome_words(key: str, outcomes: Mapping[str, Outcome]) -> str:
    """
    >>> outcome_words("well", {"well": Outcome("called: all is well")}), outcome_words("put_back", {})
    ('called: all is well', 'put back')
    """
    return outcomes[key].words if key in outcomes else key.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything a clinic may change about what is asked, when, and what it means."""

    name: str
    signs: Mapping[Sign, str]  # the name staff read in a page: "pus", "cap or implant out"
    red: frozenset[Sign]  # never closed, whatever was asked
    rules: tuple[Rule, ...]
    combinations: tuple[Combination, ...]
    risks: Mapping[str, Risk]
    risk_lift: RiskLift
    steps: tuple[Step, ...]
    questions: Mapping[str, Question]  # in the order asked: pain, gum, signs, then follow-ups
    outcomes: Mapping[str, Outcome]  # by key, in the order of their letters: A is the first
    severe_pain: int  # "unbearable", "agony" without a number count as this score
