"""A text as received turned into tokens: folded for comparison, each with its place in the original.

Folding lowers case, drops accents, apostrophes and invisible marks, and unfolds look-alikes (full-width digits,
key-cap emoji, ligatures), so that "Don’t", "DONT" and "dont" are one word.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum


class Shape(StrEnum):
    """What a token looks like."""

    WORD = "word"
    NUMBER = "number"
    MARK = "mark"  # punctuation
    EMOJI = "emoji"  # any other sign


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or mark; `start:end` are code points of the text as received."""

    text: str
    shape: Shape
    start: int
    end: int
    proper: bool = False  # written as a name is: a capital inside a sentence


# Folding by Unicode's own tables would turn these into letters or lose them.
_SPECIAL = {
    "№": " nr ",
    "#": " nr ",
    "º": "°",
    "˚": "°",
    "½": ".5",
    "’": "",
    "‘": "",
    "'": "",
    "`": "",
    "´": "",
    "ʼ": "",
    "_": " ",
}
_TOKEN = re.compile(
    r"(?P<number>(?:3[4-9]|4[0-3])(?:[.,]{2}|[юб])\d(?!\d)|(?:3 [4-9]|4 [0-3]) ?[.,] ?\d(?!\d)|\d+(?:[.,]\d+)?)|"
    r"(?P<word>[^\W\d_]+)|"
    r"(?P<mark>[.,;:!?()/%°+#=&\n–—]|(?<![^\W\d_])-|-(?![^\W\d_]))|(?P<emoji>[^\s\w-])"
)
# A temperature with its point typed twice or on the other keyboard, or its digits apart: 37..2, 36ю6, "3 6 . 7".
_SLIP = re.compile(r"[.,]{2}|[юб]")
_ENDS = frozenset(".!?\n:(")
_DASHES = {"–": "-", "—": "-"}


_REMEMBERED = 4096


class _Folds(dict[int, str]):
    """What each character becomes, worked out when it is first met; the first few thousand are remembered."""

    def __missing__(self, point: int) -> str:
        folded = _fold_char(chr(point))
        if len(self) < _REMEMBERED:
            self[point] = folded
        return folded


def _fold_char(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    decomposed = unicodedata.normalize("NFKD", char).casefold()
    return "".join(c for c in decomposed if unicodedata.category(c) not in {"Mn", "Me", "Cf", "Cc"} or c == "\n")


_FOLDS = _Folds()


def fold(text: str) -> str:
    """A text folded for comparison; not longer-lived than that, since places shift.

    >>> fold("Don’t — MÁS ёж ３")
    'dont — mas еж 3'
    """
    return text.translate(_FOLDS)


def tokenise(text: str) -> tuple[Token, ...]:
    """The tokens of a text, in order, any Unicode allowed.

    >>> [(t.text, t.start, t.end) for t in tokenise("It’s 38,2!")]
    [('its', 0, 4), ('38,2', 5, 9), ('!', 9, 10)]
    """
    pieces = [_FOLDS[ord(char)] if char != "\t" else " " for char in text]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    tokens = [
        Token(
            text=_SLIP.sub(".", found.group().replace(" ", ""))
            if found["number"]
            else _DASHES.get(found.group(), found.group()),
            shape=Shape(found.lastgroup or Shape.EMOJI),
            start=places[found.start()],
            end=places[found.end() - 1] + 1,
        )
        for found in _TOKEN.finditer("".join(pieces))
    ]
    return tuple(_with_names(tokens, text))


def _plain(found: re.Match[str]) -> str:
    """A token's text: a number as it was meant, any dash as one."""
    text = found.group()
    return _SLIP.sub(".", text.replace(" ", "")) if found["number"] else _DASHES.get(text, text)


def _with_names(tokens: list[Token], text: str) -> list[Token]:
    """Tokens with those marked that begin with a capital inside a sentence, unless the writer puts one everywhere."""
    inner = [at for at in range(1, len(tokens)) if tokens[at].shape is Shape.WORD and tokens[at - 1].text not in _ENDS]
    names = [at for at in inner if text[tokens[at].start].isupper() and text[tokens[at].start + 1 :][:1].islower()]
    if names and 2 * len(names) <= len(inner) + 1:
        for at in names:
            tokens[at] = replace(tokens[at], proper=True)
    return tokens
