"""Numbers in a clause: of one word or several, and those that count something else than how a patient fares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from monitor.domain.language.items import Item, Pause
from monitor.domain.language.kinds import Kind

BODY_HEAT = range(34, 43)
_FAHRENHEIT = range(94, 111)
_TENS = 20
_SCALES = (("0", "10"), ("1", "10"))
MOST = 10  # of the scale of pain
TOP = 100  # "101.4 as of 10 minutes ago" is on no scale


@dataclass(frozen=True, slots=True)
class Number:
    """One number; `at:end` are its places in the clause's items, `first:last` those in the tokens."""

    value: float
    at: int
    end: int
    first: int
    last: int
    exact: bool


def numbers_of(items: Sequence[Item]) -> Iterator[Number]:
    """Numbers of one or more items: 7, "thirty eight point five", "37 and a half"."""
    at = 0
    while at < len(items):
        if items[at].kind != Kind.NUMBER:
            at += 1
            continue
        one = Number(float(items[at].about), at, at, items[at].first, items[at].last, items[at].exact)
        while (longer := _longer(items, one)) is not None:
            one = longer
        yield one
        at = one.end + 1


def _longer(items: Sequence[Item], one: Number) -> Number | None:
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
    if decimal and (one.value in BODY_HEAT or one.value in _FAHRENHEIT) and head.first == one.last + 1:
        return replace(one, value=one.value + float(head.about) / 10, end=one.end + 1, last=head.last)  # "38 5"
    if head.kind == Kind.JOINER and one.value == 100 and digit is not None and _is_digit(digit):
        return replace(one, value=one.value + float(digit.about), end=one.end + 2, last=digit.last)
    pointed = head.kind == Kind.POINT or (head.kind == Kind.JOINER and one.value in BODY_HEAT)
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


def is_counted(items: Sequence[Item], one: Number) -> bool:
    """Whether the number counts something else: 3 days, day 5, 400 mg, tooth 14, a telephone number."""
    after = items[one.end + 1] if one.end + 1 < len(items) else None
    before = items[one.at - 1] if one.at else None
    if after is not None and after.kind == Kind.UNIT and after.first == one.last + 1:
        return True
    if before is not None and before.kind == Kind.NOT:
        said_of_it = any(item.kind in (Kind.SUBJECT, Kind.OPENER) for item in items[: one.at - 1])  # "it's not a ten"
        return said_of_it or any(item.kind == Kind.NUMBER for item in items[one.end + 1 :])  # "not 8 but 3"
    labelled = before is not None and before.kind in (Kind.LABEL, Kind.UNIT) and before.last + 1 == one.first
    if before is not None and labelled and not is_body_heat(one.value) and not _stands_at(items, one):
        return before.kind == Kind.LABEL or not _is_told_of_a_pill(items, one)
    entry = one.at > 1 and items[one.at - 1].kind == Pause.LINK and items[one.at - 2].kind in (Kind.LABEL, Kind.UNIT)
    if entry and not is_body_heat(one.value):
        return True  # "day: 7"
    cut_off = one.value == 100 and after is not None and after.kind == Kind.JOINER  # "hundred and tow"
    return one.value >= 1000 or cut_off or _is_clock(items, one)


def _stands_at(items: Sequence[Item], one: Number) -> bool:
    """ "Pain is at 1", "I'm at a 2": what follows the place is a score, and no hour."""
    before = items[one.at - 2] if one.at > 1 else None
    verb = before is not None and before.kind == Kind.OPENER and before.about != Kind.ARTICLE
    return (verb or (before is not None and before.kind == Kind.SUBJECT)) and one.value <= MOST


def is_body_heat(value: float) -> bool:
    """Whether a number can be nothing but somebody's temperature: 36.6, 38.2."""
    return value != int(value) and int(value) in BODY_HEAT


def _is_told_of_a_pill(items: Sequence[Item], one: Number) -> bool:
    """Whether the unit before is spoken for: "took 2 ibuprofen 5", "with ibuprofen 2, without 7"."""
    earlier = [item.kind for item in items[: one.at - 1] if item.kind != Kind.OPENER]
    return bool(earlier) and earlier[-1] in (Kind.NUMBER, Kind.JOINER, Kind.NOT)


def _is_clock(items: Sequence[Item], one: Number) -> bool:
    def joined(at: int, step: int, mark: str) -> bool:
        inside = 0 <= at + step < len(items) and 0 <= at + 2 * step < len(items)
        return inside and items[at + step].kind == mark and items[at + 2 * step].kind == Kind.NUMBER

    return (
        joined(one.end, 1, Pause.LINK) and items[one.end + 1].first == one.last + 1 == items[one.end + 2].first - 1
    ) or (joined(one.at, -1, Pause.LINK) and items[one.at - 2].last + 2 == one.first)


def names_scale(items: Sequence[Item], one: Number) -> bool:
    """Whether the number only names the scale, as in "from 0 to 10 I would say 4"."""
    for at in range(max(one.at - 2, 0), one.at + 1):
        span = items[at : at + 3]
        kinds = [item.kind for item in span]
        joined = kinds[1:2] != [] and (kinds[1] in (Kind.RANGE, Pause.DASH) or span[1].about == Kind.ARTICLE)
        if joined and kinds[::2] == [Kind.NUMBER, Kind.NUMBER] and (span[0].about, span[2].about) in _SCALES:
            return True
    return False


def is_scale_top(items: Sequence[Item], one: Number) -> bool:
    before = items[one.at - 1].kind if one.at else ""
    if one.at < 2 or items[one.at - 2].kind != Kind.NUMBER:
        return False
    return before == Pause.SLASH or (before == Kind.SCALE and float(items[one.at - 2].about) <= TOP)
