"""One word, understood with a lexicon: the phrases it can stand in, as written, squeezed, respelled or mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from monitor.domain.language.kinds import SIGN_KINDS
from monitor.domain.language.lexicon import Lexicon
from monitor.domain.language.phrases import Meaning
from monitor.domain.language.spelling import is_slip, respell, squeeze
from monitor.domain.normalise import Shape, Token

_SHORTEST = 3  # letters of a word that an ending may follow


@dataclass(frozen=True, slots=True)
class Word:
    """The phrase elements that a word can stand for; `exact` is false when a typing error was mended to find them."""

    atoms: tuple[str, ...]
    exact: bool = True


@lru_cache(maxsize=20_000)
def understand(lexicon: Lexicon, word: str, respelled: bool) -> Word:
    """The phrase elements a word stands for: as written, with letters held down let go, or mended.

    >>> from monitor.domain.language.lexicon import load_lexicons
    >>> from monitor.domain.terms import Sign
    >>> words = "".join(f"[signs.{sign}]\\nnames = ['{sign}']\\n" for sign in Sign)
    >>> english = load_lexicons({"en.toml": words})["en"]
    >>> understand(english, "feevr", False).exact, understand(english, "feverr", False).atoms
    (True, ('fever',))
    """
    spelled = respell(word, lexicon.respell) if respelled else word
    for form in (spelled, *squeeze(spelled)):
        atoms = lexicon.vocabulary.atoms(form)
        if atoms or form in lexicon.everyday:
            return Word(atoms)
    for form in _without_endings(lexicon, spelled):
        if atoms := lexicon.vocabulary.atoms(form):
            return Word(atoms)
    near = lexicon.speller.corrections(spelled)
    longer = tuple(known for known in near if respelled and len(known) > len(spelled))  # marks that script leaves out
    near = longer or near
    sure = bool(longer) or all(is_slip(known, spelled) for known in near)
    mended = tuple(dict.fromkeys(atom for word in near for atom in lexicon.vocabulary.atoms(word)))
    return Word(mended, exact=not mended or sure)


@lru_cache(maxsize=20_000)
def knows(lexicon: Lexicon, respelled: bool, word: str) -> bool:
    """Whether a phrase or the everyday words hold a word as it is written, or as it is when respelled."""
    spelled = respell(word, lexicon.respell) if respelled else word
    return spelled in lexicon.everyday or bool(lexicon.vocabulary.atoms(spelled))


@lru_cache(maxsize=20_000)
def is_everyday(lexicon: Lexicon, word: str) -> bool:
    """Whether the word is known and harmless, in its own script or another."""
    forms = (word, *squeeze(word), respell(word, lexicon.respell), *_without_endings(lexicon, word))
    return any(form in lexicon.everyday for form in forms)


def _without_endings(lexicon: Lexicon, word: str) -> Iterator[str]:
    """The word less each ending that the language allows: husbands, onions."""
    for ending in lexicon.endings:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            yield word.removesuffix(ending)


def alone(lexicon: Lexicon, word: str) -> Meaning | None:
    """What a word means where it stands by itself, None if it is no phrase of its own."""
    token = Token(word, Shape.WORD, 0, 0)
    found = lexicon.phrases.find([token], [lexicon.vocabulary.atoms(word)])
    return found[0].meaning if found else None


def unglued(tokens: Sequence[Token], lexicons: Mapping[str, Lexicon]) -> tuple[Token, ...]:
    """Tokens with a negation that was typed as one word with its sign set apart: "notloose".

    >>> from monitor.domain.language.lexicon import load_lexicons
    >>> from monitor.domain.normalise import tokenise
    >>> from monitor.domain.terms import Sign
    >>> words = "".join(f"[signs.{sign}]\\nnames = ['{sign}']\\n" for sign in Sign)
    >>> lexicons = load_lexicons({"en.toml": words + "[negation]\\nno = ['no']"})
    >>> [token.text for token in unglued(tokenise("nofever"), lexicons)]
    ['no', 'fever']
    """
    apart: list[Token] = []
    for token in tokens:
        cut = _glued_at(tuple(lexicons.values()), token.text) if token.shape is Shape.WORD else 0
        if cut:
            middle = min(token.start + cut, token.end)
            apart.append(replace(token, text=token.text[:cut], end=middle))
            token = replace(token, text=token.text[cut:], start=middle)
        apart.append(token)
    return tuple(apart)


@lru_cache(maxsize=20_000)
def _glued_at(lexicons: tuple[Lexicon, ...], word: str) -> int:
    """Where a negation ends inside a word that nobody knows otherwise; 0 if there is none."""
    if any(knows(lexicon, False, word) for lexicon in lexicons):
        return 0
    for lexicon in lexicons:
        for cut in range(2, len(word) - 2):
            meaning = alone(lexicon, word[cut:]) if word[:cut] in lexicon.negations else None
            if meaning is not None and meaning.kind in SIGN_KINDS:
                return cut
    return 0
