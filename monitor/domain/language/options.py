"""Digits that answer a numbered question: "2" for the gum, "2 and 4" for the list of warning signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.domain.language.quantities import Measure, Quantity
from monitor.domain.protocol import Option
from monitor.domain.terms import GUM, Amount, Presence, Sign, Trend

_MEASURED = (Sign.PAIN, Sign.FEVER, Sign.FELL_OUT)  # a number answers these: a score, degrees, hours ago
GUM_OPTIONS = (
    Option(0, absent=True),
    Option(1, trend=Trend.BETTER),
    Option(2, trend=Trend.SAME),
    Option(3, trend=Trend.WORSE),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the digits say; `unread` are numbers that name no option."""

    signs: dict[Sign, Presence] = field(default_factory=dict)
    trend: dict[Sign, Trend] = field(default_factory=dict)
    amount: dict[Sign, Amount] = field(default_factory=dict)
    quantities: tuple[Quantity, ...] = ()
    unread: bool = False


def options_of(question: str, options: tuple[Option, ...]) -> tuple[Option, ...]:
    """The options of a question; the gum question has its own when none are handed in, and a nought says no.

    >>> [[option.digit for option in options_of(question, ())] for question in ("gum", "pus", "pain")]
    [[0, 1, 2, 3], [0], []]
    """
    if options or question in _MEASURED or question not in tuple(Sign):
        return options or (GUM_OPTIONS if question == GUM else ())
    return (Option(0, absent=True),)


def read_options(quantities: Sequence[Quantity], options: Sequence[Option], asked: Sequence[Sign]) -> Chosen:
    """The signs that bare digits choose; several digits choose several options.

    >>> from monitor.domain.language.quantities import Measure, Quantity
    >>> two = Quantity(Measure.BARE, 2, 0, 0, 0)
    >>> read_options([two], GUM_OPTIONS, [Sign.SWELLING]).trend
    {<Sign.SWELLING: 'swelling'>: <Trend.SAME: 'same'>}
    """
    bare = tuple(one for one in quantities if one.measure is Measure.BARE)
    chosen = Chosen(quantities=bare)
    by_digit = {option.digit: option for option in options}
    for one, digit in [(number, digit) for number in bare for digit in _digits(number.value)]:
        option = by_digit.get(digit)
        if option is None or not one.exact:
            return Chosen(unread=True)
        _choose(chosen, option, tuple(asked), listed=options)
    return chosen


def _digits(value: float) -> tuple[int, ...]:
    """The digits a number stands for; "2,3" in answer to a list is 2 and 3.

    >>> _digits(4), _digits(2.3)
    ((4,), (2, 3))
    """
    return (int(value),) if value == int(value) else (int(value), round(value * 10) % 10)


def _choose(chosen: Chosen, option: Option, asked: tuple[Sign, ...], *, listed: Sequence[Option]) -> None:
    signs = (option.sign,) if option.sign else asked or tuple(o.sign for o in listed if o.sign)
    for sign in signs:
        if chosen.signs.get(sign) is not Presence.PRESENT:
            chosen.signs[sign] = Presence.ABSENT if option.absent else Presence.PRESENT
        if option.trend is not None:
            chosen.trend[sign] = option.trend
        if option.amount is not None:
            chosen.amount[sign] = max(option.amount, chosen.amount.get(sign, option.amount), key=list(Amount).index)
