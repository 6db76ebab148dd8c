"""STOP, START and HELP: what counts only where it is the whole text, courtesies aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from monitor.domain.language.kinds import Kind
from monitor.domain.language.lexicon import Lexicon
from monitor.domain.language.words import alone
from monitor.domain.normalise import Shape, Token

_LONGEST = 8  # words of a keyword and its courtesies


def read_keyword(tokens: Sequence[Token], lexicons: Mapping[str, Lexicon]) -> Kind | None:
    """The keyword (STOP, START, HELP) that a text is, if it is nothing else, in any language.

    >>> from monitor.domain.language.lexicon import load_lexicons
    >>> from monitor.domain.normalise import tokenise
    >>> from monitor.domain.terms import Sign
    >>> words = "".join(f"[signs.{sign}]\\nnames = ['{sign}']\\n" for sign in Sign)
    >>> lexicons = load_lexicons({"en.toml": words + "[requests]\\nstop_word = ['stop']"})
    >>> read_keyword(tokenise("STOP!"), lexicons), read_keyword(tokenise("stop it"), lexicons)
    (<Kind.STOP_WORD: 'stop_word'>, None)
    """
    words = [token for token in tokens if token.shape is not Shape.MARK]
    if len(words) > _LONGEST:
        return None
    for lexicon in lexicons.values():
        for core in _without_courtesies(words, lexicon):
            keyword = _whole_keyword(core, lexicon)
            if keyword is not None:
                return keyword
    return None


def _without_courtesies(words: Sequence[Token], lexicon: Lexicon) -> Iterator[Sequence[Token]]:
    """The words, and the words less one or two of courtesy at either end: "please", "thanks"."""
    yield words
    for first, last in ((0, 1), (1, 0), (0, 2), (1, 1)):
        kept, dropped = words[first : len(words) - last], (*words[:first], *words[len(words) - last :])
        if kept and all(_is_courtesy(lexicon, word.text) for word in dropped):
            yield kept


def _whole_keyword(words: Sequence[Token], lexicon: Lexicon) -> Kind | None:
    atoms = [lexicon.vocabulary.atoms(token.text) for token in words]  # as written: nobody is opted out on a guess
    whole = [one for one in lexicon.keywords.find(words, atoms) if len(one.places) == len(words)]
    return Kind(whole[0].meaning.kind) if whole else None


@lru_cache(maxsize=20_000)
def _is_courtesy(lexicon: Lexicon, word: str) -> bool:
    meaning = alone(lexicon, word)
    return meaning is not None and meaning.kind in (Kind.FILLER, Kind.THANKS)
