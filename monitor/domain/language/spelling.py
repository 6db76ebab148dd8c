"""Words that no phrase knows, brought back to ones that some phrase does: typing errors, missing spaces,
letters held down, and a language typed in another script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

_HELD_DOWN = re.compile(r"(.)\1{2,}")
_DOUBLED = re.compile(r"(.)\1")
_SHORTEST_FUZZY = 4  # shorter words have too many neighbours: "pus", "put", "plus"
_LONGEST_WORD = 24


class Speller:
    """Finds the known words that an unknown word most likely meant.

    >>> speller = Speller(words=["fever", "smell"], stems=["swell"])
    >>> speller.corrections("fevr"), speller.corrections("sweling"), speller.corrections("tiger")
    (('fever',), ('swell',), ())
    """

    def __init__(self, *, words: Iterable[str], stems: Iterable[str]) -> None:
        self._words = _by_head_and_length(word for word in words if len(word) >= _SHORTEST_FUZZY)
        self._stems = _by_head_and_length(stem for stem in stems if len(stem) > _SHORTEST_FUZZY)

    def corrections(self, word: str) -> tuple[str, ...]:
        """Known words one typing error away, or else stems that the word's beginning is close to."""
        if not _SHORTEST_FUZZY <= len(word) <= _LONGEST_WORD:
            return ()
        swapped = [known for known in self._words.get((word[1], len(word)), ()) if known[:2] == word[1::-1]]
        near = {*_one_error_away(word, self._words), *(known for known in swapped if OSA.distance(known, word) <= 1)}
        return tuple(sorted(near)) or self._stem_corrections(word)

    def _stem_corrections(self, word: str) -> tuple[str, ...]:
        """The stems that the beginning of the word, as long as possible, is one error away from."""
        for length in range(len(word), _SHORTEST_FUZZY, -1):
            close = _one_error_away(word[:length], self._stems)
            if close:
                return tuple(sorted(close))
        return ()


def _by_head_and_length(words: Iterable[str]) -> dict[tuple[str, int], list[str]]:
    """Words by their first letter, which is seldom mistyped, and how long they are."""
    found: dict[tuple[str, int], list[str]] = {}
    for word in words:
        found.setdefault((word[0], len(word)), []).append(word)
    return found


def _one_error_away(word: str, known: Mapping[tuple[str, int], Sequence[str]]) -> list[str]:
    """The known words with the same first letter that one letter more, less, other or swapped makes of a word."""
    close: list[str] = []
    for length in (len(word) - 1, len(word), len(word) + 1):
        choices = known.get((word[0], length))
        if choices:
            close += [match for match, _, _ in extract(word, choices, scorer=OSA.distance, score_cutoff=1, limit=None)]
    return close


def squeeze(word: str) -> tuple[str, ...]:
    """A word with letters held down or typed twice, brought to two and to one of them.

    >>> squeeze("soooore"), squeeze("caap"), squeeze("sore")
    (('soore', 'sore'), ('cap',), ())
    """
    twice, once = _HELD_DOWN.sub(r"\1\1", word), _DOUBLED.sub(r"\1", _HELD_DOWN.sub(r"\1", word))
    return tuple(form for form in dict.fromkeys((twice, once)) if form != word)


def is_slip(known: str, word: str) -> bool:
    """Whether a word is surely the known one: a letter typed once instead of twice, or two letters swapped.

    >>> is_slip("stopped", "stoped"), is_slip("none", "noen"), is_slip("pain", "paint")
    (True, True, False)
    """
    swapped = len(known) == len(word) and sorted(known) == sorted(word)
    return swapped or _DOUBLED.sub(r"\1", known) == _DOUBLED.sub(r"\1", word)


def respell(word: str, letters: Mapping[str, str]) -> str:
    """A word typed in another script, brought back by the longest groups of letters first.

    >>> respell("shov", {"sh": "ш", "s": "с", "o": "о", "v": "в"})
    'шов'
    """
    spelled, at = "", 0
    longest = max(map(len, letters), default=1)
    while at < len(word):
        for length in range(longest, 0, -1):
            group = word[at : at + length]
            if group in letters or length == 1:
                spelled += letters.get(group, group)
                at += len(group)
                break
    return spelled
