"""Numbers in a text, and what each of them measures: pain, temperature, a digit of a list, or nothing of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil

from monitor.domain.language.clauses import Clause
from monitor.domain.language.frames import FOREIGN, SUBJECTS, Frame
from monitor.domain.language.items import Item, Pause
from monitor.domain.language.kinds import Kind
from monitor.domain.language.numbers import (
    MOST,
    TOP,
    Number,
    is_body_heat,
    is_counted,
    is_scale_top,
    names_scale,
    numbers_of,
)
from monitor.domain.terms import CHECKIN_OPEN, Sign


class Measure(StrEnum):
    """What a number measures; `bare` is a number with nothing said to it."""

    PAIN = "pain"
    TEMPERATURE = "temperature"
    BARE = "bare"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number understood. Temperatures are degrees Celsius; `past` says that it held earlier, not now."""

    measure: Measure
    value: float
    first: int
    last: int
    clause: int
    past: bool = False
    exact: bool = True


_PAIN = frozenset({Sign.PAIN, Sign.PRESSURE_PAIN})
_OWNERS = (*SUBJECTS, Kind.BODY)
_FEW = 2
_BESIDE_SCORE = frozenset(
    {
        Kind.NUMBER, Kind.SUBJECT, Kind.OPENER, Kind.AFFIRM, Kind.NOW, Kind.AT_MOST, Kind.ABOVE, Kind.BELOW,
        Kind.RANGE, Kind.HALF, Pause.DASH, Kind.IDIOM, Kind.NOT, Kind.JOINER, Kind.UNIT,
    }
)  # fmt: skip
_CLOSING = frozenset({Kind.NUMBER, Kind.RESOLVED, Kind.NO, Kind.NOT, Kind.NONE, Kind.NOR})
_PARTING = (Kind.NO, Kind.NONE, Kind.NOT, Kind.NOR)  # "2 and no bleeding": the number is none of the bleeding
_OVERSTATED = 20
_STEPS: dict[str, int] = {Kind.ABOVE: 1, Kind.BELOW: -1}
_PRAISING = 8


def is_temperature(quantity: Quantity) -> bool:
    """Whether a number measures heat, in degrees Celsius.

    >>> is_temperature(Quantity(Measure.TEMPERATURE, 38.0, 0, 0, 0))
    True
    """
    return quantity.measure is Measure.TEMPERATURE


def read_quantities(
    clause: Clause, number: int, *, frames: Sequence[Frame], question: str, earlier: str = ""
) -> Iterator[Quantity]:
    """The numbers of one clause that measure something of the patient, given what was asked.

    `earlier` is the pain spoken of just before, if any (pains_before).

    >>> from monitor.domain.language.clauses import Lead
    >>> clause = Clause(Lead.START, (Item(Kind.NUMBER, 0, 0, "38.5"),), 0)
    >>> [(one.measure, one.value) for one in read_quantities(clause, 0, frames=[Frame()], question="pain")]
    [(<Measure.TEMPERATURE: 'temperature'>, 38.5)]
    """
    for one in numbers_of(clause.items):
        if is_counted(clause.items, one) or is_scale_top(clause.items, one) or names_scale(clause.items, one):
            continue
        if frames[one.at].other or frames[one.at].hypothetical:
            continue
        if _is_elsewhere(clause, one) and not is_body_heat(one.value):
            continue
        yield from _measured(clause, one, number, question=question, earlier=earlier)


def _is_elsewhere(clause: Clause, one: Number) -> bool:
    """Whether the number is another body part's: "headache 5, implant 0", "4 for my ear, 2 for the implant"."""
    items = clause.items
    if clause.kinds.isdisjoint(FOREIGN):
        return False
    owners = [(at, item) for at, item in enumerate(items) if item.kind in _OWNERS or item.is_sign]
    first = min(at for at, item in enumerate(items) if item.kind == Kind.NUMBER)
    before = [item for at, item in owners if at < one.at]
    after = [item for at, item in owners if at > one.end]
    ordered = after[:1] or before[-1:] if owners[0][0] > first else before[-1:] or after[:1]
    return ordered[0].kind in FOREIGN or (ordered[0].is_sign and _is_said_of(items, ordered[0]) in FOREIGN)


def _is_said_of(items: Sequence[Item], sign: Item) -> str:
    """The thing right before a sign, if any: in "my knee is killing me" it is the knee that hurts."""
    before = [item.kind for item in items[: items.index(sign)] if item.kind != Kind.OPENER]
    return before[-1] if before else ""


def _measured(clause: Clause, one: Number, number: int, *, question: str, earlier: str) -> Iterator[Quantity]:
    after = clause.items[one.end + 1].kind if one.end + 1 < len(clause.items) else ""
    top = clause.items[one.end + 2] if one.end + 2 < len(clause.items) else None
    scaled = after in (Kind.SCALE, Pause.SLASH) and top is not None and top.kind == Kind.NUMBER
    scaled = scaled and (after == Pause.SLASH or one.value <= TOP)
    near = _nearest_sign(clause.items, one, question) or earlier
    quantity = Quantity(Measure.BARE, one.value, one.first, one.last, number, _is_past(clause, one), one.exact)
    if scaled:
        if top is not None and top.about == "10" and not _is_praise(clause, one, question=question, near=near):
            yield replace(quantity, measure=Measure.PAIN, value=_score(one.value))
        return
    feverish = question == Sign.FEVER or near == Sign.FEVER
    celsius = _celsius(one.value, after, fever=feverish) if feverish or not _is_age(clause.items, one) else None
    if celsius is not None:
        yield replace(quantity, measure=Measure.TEMPERATURE, value=celsius)
    elif near in _PAIN or (near == "" and (_is_asked(clause, question) or _is_on_scale(clause.items, one))):
        yield replace(quantity, measure=Measure.PAIN, value=_score(_shifted(clause.items, one)))
    elif near == "":
        yield quantity


def _is_asked(clause: Clause, question: str) -> bool:
    """Whether a bare number answers: the pain question, or how it goes, where nothing else is said beside it."""
    plain = clause.words == 0 and clause.kinds <= _BESIDE_SCORE
    return question == Sign.PAIN or (question == CHECKIN_OPEN and plain)


def _is_on_scale(items: Sequence[Item], one: Number) -> bool:
    """ "On the ten point scale two": a number right after words that say so is the score, whatever was asked."""
    before = items[one.at - 1] if one.at else None
    named = before is not None and before.kind == Kind.SCALE and before.first < before.last
    return named and one.value <= MOST and all(item.kind != Kind.NUMBER for item in items[one.end + 1 :])


def _is_age(items: Sequence[Item], one: Number) -> bool:
    """ "I'm forty": a whole number right after the patient, where fever was not spoken of."""
    before = items[one.at - 1] if one.at else None
    return before is not None and before.about == Kind.ME and one.value == int(one.value)


def _is_praise(clause: Clause, one: Number, *, question: str, near: str) -> bool:
    """ "I feel great, 10/10", "10/10 for the doctor": full marks where nobody asked about pain or named it."""
    praised = not clause.kinds.isdisjoint({Kind.FINE, Kind.BLANKET, Kind.THANKS, Kind.SMALL_TALK})
    people = any(item.kind == Kind.STRANGERS for item in clause.items[one.end + 1 :])  # "9 out of 10 people"
    return near == "" and (people or (one.value >= _PRAISING and praised and question != Sign.PAIN))


def pains_before(clauses: Sequence[Clause]) -> list[str]:
    """For each clause the pain told of before it, which its bare number goes on with: "it hurts a lot, say 6".

    Only a clause of few other words goes on so, and none at all in another sentence.

    >>> from monitor.domain.language.clauses import Lead
    >>> hurts = Clause(Lead.START, (Item(Kind.EVENTS, 0, 0, Sign.PAIN),), 0)
    >>> pains_before([hurts, Clause(Lead.COMMA, (Item(Kind.NUMBER, 2, 2, "6"),), 0)])
    ['', 'pain']
    """
    told, sentence, pains = "", 0, list[str]()
    for clause in clauses:
        goes_on = clause.words <= (_FEW if clause.sentence == sentence else 0)
        pains.append(told if goes_on else "")
        if clause.signs:
            open_ended = clause.kinds.isdisjoint(_CLOSING) and clause.signs[-1].about in _PAIN
            told, sentence = Sign.PAIN.value if open_ended else "", clause.sentence
        elif not goes_on:
            told = ""
    return pains


def _nearest_sign(items: Sequence[Item], one: Number, question: str) -> str:
    """The sign a number belongs to: the last one before it, else the first after it.

    In answer to the pain question only a name after it: "a three, a bit loose" is a three.
    """
    before = [item.about for item in items[: one.at] if item.is_sign and item.kind != Kind.DENIED]
    after = list[str]()
    for item in items[one.end + 1 :]:
        if item.kind in _PARTING:
            break
        owns = item.kind == Kind.NAMES if question == Sign.PAIN else item.is_sign and item.kind != Kind.DENIED
        after += [item.about] if owns else []
    return before[-1] if before else after[0] if after else ""


def _score(value: float) -> float:
    """The score that a number stands for: "11" is a ten, and what is far above the scale is none (-1)."""
    return ceil(value) if value <= MOST else MOST if value <= _OVERSTATED else -1


def _shifted(items: Sequence[Item], one: Number) -> float:
    """ "More than 7" is 8; "less than 3" is 2."""
    before = items[one.at - 1].kind if one.at else ""
    step = _STEPS.get(before, 0)
    return min(max(one.value + step, min(one.value, 1)), MOST)


def _celsius(value: float, unit: str, *, fever: bool) -> float | None:
    """Degrees Celsius if the number is a temperature, given its unit and whether fever was spoken of."""
    if unit == Kind.FAHRENHEIT or (94 <= value <= 110 and (fever or value != int(value))):
        return round((value - 32) / 1.8, 1)
    if unit == Kind.CELSIUS and 30 <= value <= 45:
        return round(value, 1)
    if fever and 340 <= value <= 430:
        return round(value / 10, 1)
    if 34 <= value <= 43:
        return round(value, 1)
    return None


def _is_past(clause: Clause, one: Number) -> bool:
    """Whether the time said of the number is over: "8 yesterday, 3 now", "was 8 now 3", "from 8 to 3"."""
    items = clause.items
    if clause.kinds.isdisjoint({Kind.PAST, Kind.NOW, Kind.RESOLVED}):
        return False
    kinds = [Kind.PAST if item.kind == Kind.RESOLVED else item.kind for item in items]  # "used to be a 6"
    times = [(at, kind) for at, kind in enumerate(kinds) if kind in (Kind.PAST, Kind.NOW)]
    if one.at > 1 and items[one.at - 1].kind == Kind.RANGE:
        return False
    first = min(at for at, item in enumerate(items) if item.kind == Kind.NUMBER)
    before = [(at, kind) for at, kind in times if at < one.at]
    after = [kind for at, kind in times if at > one.end]
    if times[0][0] > first and after:
        return after[0] == Kind.PAST
    return bool(before) and before[-1][1] == Kind.PAST and not _became(items[before[-1][0] : one.at])


def _became(between: Sequence[Item]) -> bool:
    """ "Was 5, is 2": a number and a verb lie between the time gone by and this number."""
    kinds = [item.kind for item in between]
    return Kind.NUMBER in kinds and Kind.OPENER in kinds[kinds.index(Kind.NUMBER) :]
