"""The finer points of a text: which part came out, how bad, how long ago."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from monitor.domain.language.kinds import Kind
from monitor.domain.language.lexicon import Lexicon
from monitor.domain.language.phrases import Found, longest
from monitor.domain.normalise import Shape, Token
from monitor.domain.terms import Detail


def find_details(tokens: Sequence[Token], lexicons: Mapping[str, Lexicon]) -> list[Found]:
    """The phrases of any language that tell a detail or a stretch of time."""
    found: list[Found] = []
    for lexicon in lexicons.values():
        atoms = [lexicon.vocabulary.atoms("#" if t.shape is Shape.NUMBER else t.text) for t in tokens]
        found += longest(lexicon.details.find(tokens, atoms))
    return found


def read_details(
    tokens: Sequence[Token], found: Sequence[Found], *, silent: Set[int]
) -> tuple[frozenset[Detail], float | None]:
    """The details that the phrases found tell of, and how many hours ago something happened.

    `silent` are token places that speak of something else. A phrase for a stretch of time that holds a number
    ("# hours ago") is that many times its hours.

    >>> from monitor.domain.language.lexicon import load_lexicons
    >>> from monitor.domain.normalise import tokenise
    >>> from monitor.domain.terms import Sign
    >>> words = "".join(f"[signs.{sign}]\\nnames = ['{sign}']\\n" for sign in Sign)
    >>> lexicons = load_lexicons({"en.toml": words + "[hours_ago]\\n'# hours ago' = 1"})
    >>> tokens = tokenise("3 hours ago")
    >>> read_details(tokens, find_details(tokens, lexicons), silent=frozenset())
    (frozenset(), 3.0)
    """
    details: set[Detail] = set()
    hours: float | None = None
    for one in found:
        if not silent.isdisjoint(one.places):
            continue
        if one.meaning.kind != Kind.AGO:
            details.add(Detail(one.meaning.about))
        elif hours is None:
            hours = float(one.meaning.about) * _count(tokens, one.places)
    return frozenset(details), hours


def _count(tokens: Sequence[Token], places: Sequence[int]) -> float:
    numbers = [tokens[place].text for place in places if tokens[place].shape is Shape.NUMBER]
    return float(numbers[0].replace(",", ".")) if numbers else 1.0
