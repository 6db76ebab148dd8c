"""Everything understood of a text before it is summed up, and what its parts come to together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.domain.language.clauses import Clause
from monitor.domain.language.mentions import Mention
from monitor.domain.language.options import Chosen
from monitor.domain.language.quantities import Measure, Quantity
from monitor.domain.language.remarks import Asked, bare_answer, says_all_is_well
from monitor.domain.normalise import Token
from monitor.domain.terms import CHECKIN_OPEN, SIGNS, Detail, Presence, Sign


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything understood of a text before it is summed up."""

    tokens: Sequence[Token]
    clauses: Sequence[Clause]
    mentions: Sequence[Mention]
    quantities: Sequence[Quantity]
    chosen: Chosen
    asked: Asked
    details: frozenset[Detail]
    hours_ago: float | None


def pain_of(heard: Heard) -> int | None:
    """The worst of today's scores, else of earlier ones unless the pain is gone: "yesterday 7, today nothing"."""
    scores = [one for one in heard.quantities if one.measure is Measure.PAIN and one.value >= 0]
    now = [int(one.value) for one in scores if not one.past]
    gone = any(m.sign is Sign.PAIN and m.presence is Presence.ABSENT and not m.past for m in heard.mentions)
    return max(now or [int(one.value) for one in scores if not gone], default=None)


def in_turn(heard: Heard) -> Iterator[tuple[Clause, Clause | None]]:
    """Each clause with the one before it."""
    return zip(heard.clauses, (None, *heard.clauses), strict=False)


def is_blanket(heard: Heard) -> bool:
    """Whether everything is denied: "all good", or a bare "no" to an open question or a list of signs."""
    if any(says_all_is_well(clause) for clause in heard.clauses):
        return True
    if heard.asked.question == SIGNS and [one.value for one in heard.quantities] == [0]:
        return True
    bare = {bare_answer(clause) for clause in heard.clauses} - {None}
    return heard.asked.question in (CHECKIN_OPEN, SIGNS) and bare == {Presence.ABSENT} and not heard.mentions
