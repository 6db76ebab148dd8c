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


@dataclass(frozen=True, slots=True)
class _Number:
    value: float
    at: int  # place in the clause's items, first and last
    end: int
    first: int
    last: int
    exact: bool


_PAIN = frozenset({Sign.PAIN, Sign.PRESSURE_PAIN})
_OWNERS = (*SUBJECTS, Kind.BODY)
_BODY_HEAT = range(34, 43)
_FAHRENHEIT = range(94, 111)
_TENS = 20
_FEW = 2
_BESIDE_SCORE = frozenset(
    {
        Kind.NUMBER, Kind.SUBJECT, Kind.OPENER, Kind.AFFIRM, Kind.NOW, Kind.AT_MOST, Kind.ABOVE, Kind.BELOW,
        Kind.RANGE, Kind.HALF, Pause.DASH, Kind.IDIOM, Kind.NOT, Kind.JOINER, Kind.UNIT,
    }
)  # fmt: skip
_CLOSING = frozenset({Kind.NUMBER, Kind.RESOLVED, Kind.NO, Kind.NOT, Kind.NONE, Kind.NOR})
_PARTING = (Kind.NO, Kind.NONE, Kind.NOT, Kind.NOR)  # "2 and no bleeding": the number is none of the bleeding
_SCALES = (("0", "10"), ("1", "10"))
_MOST = 10  # of the scale of pain
_OVERSTATED = 20
_STEPS: dict[str, int] = {Kind.ABOVE: 1, Kind.BELOW: -1}
_PRAISING = 8
_TOP = 100  # "101.4 as of 10 minutes ago" is on no scale


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
    for one in _numbers(clause.items):
        if _is_counted(clause.items, one) or _is_scale_top(clause.items, one) or _names_scale(clause.items, one):
            continue
        if frames[one.at].other or frames[one.at].hypothetical:
            continue
        if _is_elsewhere(clause, one) and not _is_body_heat(one.value):
            continue
        yield from _measured(clause, one, number, question=question, earlier=earlier)


def _numbers(items: Sequence[Item]) -> Iterator[_Number]:
    """Numbers of one or more items: 7, "thirty eight point five", "37 and a half"."""
    at = 0
    while at < len(items):
        if items[at].kind != Kind.NUMBER:
            at += 1
            continue
        one = _Number(float(items[at].about), at, at, items[at].first, items[at].last, items[at].exact)
        while (longer := _longer(items, one)) is not None:
            one = longer
        yield one
        at = one.end + 1


def _longer(items: Sequence[Item], one: _Number) -> _Number | None:
    """The number with the next items read into it, None if they do not belong."""
    rest = items[one.end + 1 : one.end + 3]
    if not rest:
        return None
    head, digit = rest[0], rest[1] if len(rest) > 1 and rest[1].kind == Kind.NUMBER else None
    if head.kind == Kind.HALF and one.value == int(one.value):
        return replace(one, value=one.value + 0.5, end=one.end + 1, last=head.last)
    if head.kind == Kind.NUMBER and head.first == one.last + 1 and _adds_up(one.value, float(head.about)):
        return replace(one, value=one.value + float(head.about), end=one.end + 1, last=head.last)
    decimal = head.kind == Kind.NUMBER and _is_digit(head) and "." not in items[one.end].about
    if decimal and (one.value in _BODY_HEAT or one.value in _FAHRENHEIT) and head.first == one.last + 1:
        return replace(one, value=one.value + float(head.about) / 10, end=one.end + 1, last=head.last)  # "38 5"
    if head.kind == Kind.JOINER and one.value == 100 and digit is not None and _is_digit(digit):
        return replace(one, value=one.value + float(digit.about), end=one.end + 2, last=digit.last)
    pointed = head.kind == Kind.POINT or (head.kind == Kind.JOINER and one.value in _BODY_HEAT)
    if pointed and digit is not None and _is_digit(digit):
        return replace(one, value=one.value + float(digit.about) / 10, end=one.end + 2, last=digit.last)
    return None


def _is_digit(item: Item) -> bool:
    return 0 <= float(item.about) <= 9 and float(item.about) == int(float(item.about))


def _adds_up(tens: float, ones: float) -> bool:
    """Thirty + eight, a hundred + one."""
    return (tens >= _TENS and tens % 10 == 0 and 0 < ones < 10 and ones == int(ones) and tens < 100) or (
        tens == 100 and ones < 20
    )


def _is_counted(items: Sequence[Item], one: _Number) -> bool:
    """Whether the number counts something else: 3 days, day 5, 400 mg, tooth 14, a telephone number."""
    after = items[one.end + 1] if one.end + 1 < len(items) else None
    before = items[one.at - 1] if one.at else None
    if after is not None and after.kind == Kind.UNIT and after.first == one.last + 1:
        return True
    if before is not None and before.kind == Kind.NOT:
        said_of_it = any(item.kind in (Kind.SUBJECT, Kind.OPENER) for item in items[: one.at - 1])  # "it's not a ten"
        return said_of_it or any(item.kind == Kind.NUMBER for item in items[one.end + 1 :])  # "not 8 but 3"
    labelled = before is not None and before.kind in (Kind.LABEL, Kind.UNIT) and before.last + 1 == one.first
    if before is not None and labelled and not _is_body_heat(one.value) and not _stands_at(items, one):
        return before.kind == Kind.LABEL or not _is_told_of_a_pill(items, one)
    entry = one.at > 1 and items[one.at - 1].kind == Pause.LINK and items[one.at - 2].kind in (Kind.LABEL, Kind.UNIT)
    if entry and not _is_body_heat(one.value):
        return True  # "day: 7"
    cut_off = one.value == 100 and after is not None and after.kind == Kind.JOINER  # "hundred and tow"
    return one.value >= 1000 or cut_off or _is_clock(items, one)


def _stands_at(items: Sequence[Item], one: _Number) -> bool:
    """ "Pain is at 1", "I'm at a 2": what follows the place is a score, and no hour."""
    before = items[one.at - 2] if one.at > 1 else None
    verb = before is not None and before.kind == Kind.OPENER and before.about != Kind.ARTICLE
    return (verb or (before is not None and before.kind == Kind.SUBJECT)) and one.value <= _MOST


def _is_body_heat(value: float) -> bool:
    """Whether a number can be nothing but somebody's temperature: 36.6, 38.2."""
    return value != int(value) and int(value) in _BODY_HEAT


def _is_told_of_a_pill(items: Sequence[Item], one: _Number) -> bool:
    """Whether the unit before is spoken for: "took 2 ibuprofen 5", "with ibuprofen 2, without 7"."""
    earlier = [item.kind for item in items[: one.at - 1] if item.kind != Kind.OPENER]
    return bool(earlier) and earlier[-1] in (Kind.NUMBER, Kind.JOINER, Kind.NOT)


def _is_clock(items: Sequence[Item], one: _Number) -> bool:
    def joined(at: int, step: int, mark: str) -> bool:
        inside = 0 <= at + step < len(items) and 0 <= at + 2 * step < len(items)
        return inside and items[at + step].kind == mark and items[at + 2 * step].kind == Kind.NUMBER

    return (
        joined(one.end, 1, Pause.LINK) and items[one.end + 1].first == one.last + 1 == items[one.end + 2].first - 1
    ) or (joined(one.at, -1, Pause.LINK) and items[one.at - 2].last + 2 == one.first)


def _is_elsewhere(clause: Clause, one: _Number) -> bool:
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


def _names_scale(items: Sequence[Item], one: _Number) -> bool:
    """Whether the number only names the scale, as in "from 0 to 10 I would say 4"."""
    for at in range(max(one.at - 2, 0), one.at + 1):
        span = items[at : at + 3]
        kinds = [item.kind for item in span]
        joined = kinds[1:2] != [] and (kinds[1] in (Kind.RANGE, Pause.DASH) or span[1].about == Kind.ARTICLE)
        if joined and kinds[::2] == [Kind.NUMBER, Kind.NUMBER] and (span[0].about, span[2].about) in _SCALES:
            return True
    return False


def _is_scale_top(items: Sequence[Item], one: _Number) -> bool:
    before = items[one.at - 1].kind if one.at else ""
    if one.at < 2 or items[one.at - 2].kind != Kind.NUMBER:
        return False
    return before == Pause.SLASH or (before == Kind.SCALE and float(items[one.at - 2].about) <= _TOP)


def _measured(clause: Clause, one: _Number, number: int, *, question: str, earlier: str) -> Iterator[Quantity]:
    after = clause.items[one.end + 1].kind if one.end + 1 < len(clause.items) else ""
    top = clause.items[one.end + 2] if one.end + 2 < len(clause.items) else None
    scaled = after in (Kind.SCALE, Pause.SLASH) and top is not None and top.kind == Kind.NUMBER
    scaled = scaled and (after == Pause.SLASH or one.value <= _TOP)
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


def _is_on_scale(items: Sequence[Item], one: _Number) -> bool:
    """ "On the ten point scale two": a number right after words that say so is the score, whatever was asked."""
    before = items[one.at - 1] if one.at else None
    named = before is not None and before.kind == Kind.SCALE and before.first < before.last
    return named and one.value <= _MOST and all(item.kind != Kind.NUMBER for item in items[one.end + 1 :])


def _is_age(items: Sequence[Item], one: _Number) -> bool:
    """ "I'm forty": a whole number right after the patient, where fever was not spoken of."""
    before = items[one.at - 1] if one.at else None
    return before is not None and before.about == Kind.ME and one.value == int(one.value)


def _is_praise(clause: Clause, one: _Number, *, question: str, near: str) -> bool:
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


def _nearest_sign(items: Sequence[Item], one: _Number, question: str) -> str:
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
    return ceil(value) if value <= _MOST else _MOST if value <= _OVERSTATED else -1


def _shifted(items: Sequence[Item], one: _Number) -> float:
    """ "More than 7" is 8; "less than 3" is 2."""
    before = items[one.at - 1].kind if one.at else ""
    step = _STEPS.get(before, 0)
    return min(max(one.value + step, min(one.value, 1)), _MOST)


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


def _is_past(clause: Clause, one: _Number) -> bool:
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
