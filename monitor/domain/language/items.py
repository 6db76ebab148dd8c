"""A text's tokens read with a lexicon: the phrases that stand in it, in order, with pauses and unknown words.

Each sentence is read in the patient's language unless another one knows more of its words; a single sign word
of another language is understood all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.language.kinds import SIGN_KINDS, Kind
from monitor.domain.language.lexicon import Lexicon
from monitor.domain.language.phrases import Found, longest
from monitor.domain.language.words import Word, alone, is_everyday, knows, understand
from monitor.domain.normalise import Shape, Token
from monitor.domain.terms import Sign


class Pause(StrEnum):
    """What is not a phrase: punctuation that means something, and words no lexicon knows."""

    STOP = "."
    ASK = "?"
    COMMA = ","
    LINK = ":"
    DASH = "-"
    SLASH = "/"
    UNKNOWN = "unknown"


_PAUSES = {
    ".": Pause.STOP, "!": Pause.STOP, ";": Pause.STOP, "\n": Pause.STOP, "?": Pause.ASK, ",": Pause.COMMA,
    "(": Pause.COMMA, ")": Pause.COMMA, ":": Pause.LINK, "=": Pause.LINK, "-": Pause.DASH, "/": Pause.SLASH,
}  # fmt: skip
_BORROWED = frozenset({*SIGN_KINDS, Kind.FINE, Kind.THANKS})  # understood in whatever language: "все fine"
PROPER = "proper"  # of an unknown word: written as a name is
_CLEARLY = 2  # words that another language must know more of a stretch than the patient's own
_SILENT = {Kind.FILLER}
# What takes a sign away from the patient, or calls for help, is never guessed from a misspelled word.
_HUSHING = frozenset(
    {
        Kind.OTHERS,
        Kind.THEIRS,
        Kind.STRANGERS,
        Kind.QUESTION,
        Kind.RELATIVE,
        Kind.HYPOTHETICAL,
        Kind.WONDER,
        Kind.ELSEWHERE,
        Kind.AILMENT,
        Kind.ELSEWHEN,
        Kind.CALL,
        Kind.STOP,
    }
)
# What puts one at ease is not guessed from a short word: too many others are one letter away.
_SOOTHING = frozenset({Kind.FINE, Kind.BLANKET, Kind.BETTER, Kind.ACK})
_LONG = 6  # letters
_SWALLOWED = {Kind.RESOLVED, Kind.BETTER, Kind.WORSE, Kind.NUMBER}


@dataclass(frozen=True, slots=True)
class Item:
    """One phrase, number or pause; `first:last` are its token places, last one included."""

    kind: str
    first: int
    last: int
    about: str = ""
    exact: bool = True  # false when a typing error was mended to find it

    @property
    def is_sign(self) -> bool:
        return self.kind in SIGN_KINDS


def read_items(
    tokens: Sequence[Token], language: str, lexicons: Mapping[str, Lexicon], *, asked: Sequence[Sign]
) -> list[Item]:
    """Everything in a text that means something, sentence by sentence.

    >>> from monitor.domain.language.lexicon import load_lexicons
    >>> from monitor.domain.normalise import tokenise
    >>> from monitor.domain.terms import Sign
    >>> words = "".join(f"[signs.{sign}]\\nnames = ['{sign}']\\n" for sign in Sign)
    >>> lexicons = load_lexicons({"en.toml": words + "[negation]\\nno = ['no']"})
    >>> [str(item.kind) for item in read_items(tokenise("no pus, gleep"), "en", lexicons, asked=())]
    ['no', 'names', ',', 'unknown']
    """
    items: list[Item] = []
    for start, end in _stretches(tokens):
        if start < end:
            items += _read_sentence(tokens, start, end, language=language, lexicons=lexicons, asked=asked)
        if end < len(tokens):
            items.append(Item(_PAUSES[tokens[end].text], end, end))
    return items


def _stretches(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Stretches between pauses: no phrase reaches over one, and each may be in a language of its own."""
    start = 0
    for place, token in enumerate(tokens):
        if _PAUSES.get(token.text) in (Pause.STOP, Pause.ASK, Pause.COMMA):
            yield start, place
            start = place + 1
    yield start, len(tokens)


def _read_sentence(
    tokens: Sequence[Token],
    start: int,
    end: int,
    *,
    language: str,
    lexicons: Mapping[str, Lexicon],
    asked: Sequence[Sign],
) -> list[Item]:
    own = tokens[start:end]
    lexicon, respelled = _best_lexicon(own, language, lexicons)
    words = [_word(token, lexicon, respelled) for token in own]
    layers = (*(lexicon.asked[sign] for sign in asked), lexicon.phrases)
    every = [one for layer in layers for one in layer.find(own, [word.atoms for word in words])]
    every.sort(key=lambda one: one.meaning.kind not in SIGN_KINDS or _is_sure(one, words))  # of two guesses the sign
    found = longest([one for one in every if _is_sure(one, words) or _may_be_guessed(one, own)])
    items = [_item(one, words, start) for one in found if one.meaning.kind not in _SILENT]
    taken = {place for one in found for place in one.places}
    for place, token in enumerate(own):
        if place not in taken:
            items += _leftover(token, start + place, own=lexicon, lexicons=lexicons)
    # A sign of several words stands where it ends: in "the cap has not fallen out" the "not" comes before it.
    return _without_swallowed(sorted(items, key=lambda item: item.last if item.is_sign else item.first))


def _may_be_guessed(found: Found, tokens: Sequence[Token]) -> bool:
    """Whether a phrase found only by mending a word may stand."""
    long = sum(len(tokens[place].text) for place in found.places) >= _LONG
    return found.meaning.kind not in _HUSHING and (long or found.meaning.kind not in _SOOTHING)


def _is_sure(found: Found, words: Sequence[Word]) -> bool:
    return all(words[place].exact for place in found.places)


def _without_swallowed(items: list[Item]) -> list[Item]:
    """Items less the courses and counts inside a wider phrase: "swelling has gone up to my eye", "soaked 5 gauzes"."""
    wide = [item for item in items if item.is_sign and item.last > item.first]
    return [
        item
        for item in items
        if item.kind not in _SWALLOWED or not any(sign.first < item.first < sign.last for sign in wide)
    ]


def _item(found: Found, words: Sequence[Word], offset: int) -> Item:
    meaning, first, last = found.meaning, found.places[0], found.places[-1]
    return Item(meaning.kind, offset + first, offset + last, meaning.about, _is_sure(found, words))


def _leftover(token: Token, place: int, *, own: Lexicon, lexicons: Mapping[str, Lexicon]) -> list[Item]:
    """What a token says that no phrase took: a number, a pause, a borrowed sign word, or something unknown."""
    if token.shape is Shape.NUMBER:
        return [Item(Kind.NUMBER, place, place, token.text.replace(",", "."))]
    if token.text in _PAUSES:
        return [Item(_PAUSES[token.text], place, place)]
    if token.shape is not Shape.WORD:
        return []
    if is_everyday(own, token.text):
        return [Item(Kind.WORD, place, place)]
    for lexicon in lexicons.values():
        meaning = alone(lexicon, token.text)
        if meaning is not None and meaning.kind in _BORROWED:
            return [Item(meaning.kind, place, place, meaning.about)]
    known = any(is_everyday(lexicon, token.text) for lexicon in lexicons.values())
    return [Item(Kind.WORD if known else Pause.UNKNOWN, place, place, PROPER if token.proper else "")]


def _best_lexicon(tokens: Sequence[Token], language: str, lexicons: Mapping[str, Lexicon]) -> tuple[Lexicon, bool]:
    """The lexicon that knows most words, the patient's own first; and whether letters must be respelled."""
    own = lexicons.get(language) or next(iter(lexicons.values()))
    others = [lexicon for lexicon in lexicons.values() if lexicon is not own]
    ways = [(lexicon, script) for lexicon in (own, *others) for script in (False, True)]
    ways = [(lexicon, script) for lexicon, script in ways if lexicon.respell or not script]
    words = [token for token in tokens if token.shape is Shape.WORD]
    known = [sum(knows(*way, token.text) for token in words) for way in ways]
    best = known.index(max(known))
    return ways[best] if known[0] == 0 or known[best] - known[0] >= _CLEARLY else ways[0]


def _word(token: Token, lexicon: Lexicon, respelled: bool) -> Word:
    if token.shape is Shape.NUMBER:
        return Word(lexicon.vocabulary.atoms("#"))
    return understand(lexicon, token.text, respelled)
