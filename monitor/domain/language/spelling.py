"""Words that no phrase knows, brought back to ones that some phrase does: typing errors, missing spaces,
letters held down, and a language typed in another script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rapidfuzz.distance import OSA

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
        self._words = frozenset(words)
        self._near: dict[str, list[str]] = {}
        self._near_stems: dict[str, list[str]] = {}
        for word in self._words:
            self._index(word, self._near)
        for stem in stems:
            self._index(stem, self._near_stems)

    def _index(self, word: str, near: dict[str, list[str]]) -> None:
        if len(word) >= _SHORTEST_FUZZY:
            for key in _with_one_letter_less(word):
                near.setdefault(key, []).append(word)

    def corrections(self, word: str) -> tuple[str, ...]:
        """Known words one typing error away, or else stems that the word's beginning is close to."""
        if not _SHORTEST_FUZZY <= len(word) <= _LONGEST_WORD:
            return ()
        near = {known for key in _with_one_letter_less(word) for known in self._near.get(key, ())}
        whole = tuple(sorted(known for known in near if _begins_alike(known, word) and OSA.distance(known, word) <= 1))
        return whole or self._stem_corrections(word)

    def _stem_corrections(self, word: str) -> tuple[str, ...]:
        """The stems that the beginning of the word, as long as possible, is one error away from."""
        for length in range(len(word), _SHORTEST_FUZZY, -1):
            head = word[:length]
            near = {stem for key in _with_one_letter_less(head) for stem in self._near_stems.get(key, ())}
            close = [s for s in near if s[0] == head[0] and len(s) > _SHORTEST_FUZZY and OSA.distance(s, head) <= 1]
            if close:
                return tuple(sorted(close))
        return ()


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


def _begins_alike(known: str, word: str) -> bool:
    """The first letter is seldom mistyped, save that the first two may change places."""
    return known[0] == word[0] or known[:2] == word[1::-1]


def _with_one_letter_less(word: str) -> set[str]:
    """The word itself and every way to leave one letter out: two words one error apart share one of these."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}
