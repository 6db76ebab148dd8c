"""What was understood of one text: the interpreter's result and the scorer's input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.domain.terms import Amount, Detail, Intent, Presence, Sign, Trend

PASSED_BY = "answers something else"  # a reason for review: it was read, and is no answer to what was asked


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words that showed a sign: code points `start:end` of the text as received.

    `sign` is a sign's name, or `pain_score`, `temp_c`, `intent`, `review` for what is not a sign.
    """

    sign: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, understood as far as it can be.

    A sign that is not listed is unknown. `pain` is 0-10, `temp_c` degrees Celsius with one decimal,
    `hours_ago` how long ago a lost part came out. `review` names why a person must read the text
    (empty: no need); `may_be_red` says that what was not understood may hold a red sign. `understood`
    is false only when nothing in the text could be read as an answer, a request or a courtesy.
    `blanket` is true for "all good", "none of those": everything that was asked is denied.
    `by_digit` is true when a sign was read from a lone digit of a numbered list, which is easily mistyped.
    """

    signs: Mapping[Sign, Presence] = field(default_factory=dict)
    trend: Mapping[Sign, Trend] = field(default_factory=dict)
    amount: Mapping[Sign, Amount] = field(default_factory=dict)
    details: frozenset[Detail] = frozenset()
    pain: int | None = None
    temp_c: float | None = None
    hours_ago: float | None = None
    intent: Intent = Intent.ANSWER
    evidence: tuple[Evidence, ...] = ()
    review: tuple[str, ...] = ()
    may_be_red: bool = False
    understood: bool = True
    blanket: bool = False
    by_digit: bool = False

    def has(self, sign: Sign) -> bool:
        return self.signs.get(sign) == Presence.PRESENT

    def present(self) -> frozenset[Sign]:
        """The signs the patient says to have.

        >>> sorted(Reading(signs={Sign.PUS: Presence.PRESENT, Sign.FEVER: Presence.ABSENT}).present())
        [<Sign.PUS: 'pus'>]
        """
        return frozenset(s for s, p in self.signs.items() if p == Presence.PRESENT)
