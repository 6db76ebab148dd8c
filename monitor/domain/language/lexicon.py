"""The words of one language, loaded from `seeds/lexicon/*.toml` and checked at the door.

A lexicon file holds lists of phrases (phrases.py says how they are written); the list that a phrase stands in
is its meaning. No Python knows a language: a new one is a new file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.domain.language.kinds import ACTS_AS, EVERYDAY, KEYWORDS, OTHER_SECTIONS, SECTIONS, SIGN_LISTS, Kind
from monitor.domain.language.phrases import Everyday, Meaning, Phrases, Vocabulary
from monitor.domain.language.spelling import Speller
from monitor.domain.normalise import fold
from monitor.domain.terms import Detail, Sign
from monitor.errors import ProtocolError


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """One language, ready to read with: its phrases, the finer points of signs, and how it is misspelled."""

    language: str
    vocabulary: Vocabulary
    phrases: Phrases
    asked: Mapping[Sign, Phrases]  # what shows a sign only in answer to its own question
    keywords: Phrases  # what means something only as the whole text
    details: Phrases
    speller: Speller
    respell: Mapping[str, str]  # the language typed in another script: "sh" for "ш"
    endings: tuple[str, ...]  # what a known word may end in besides: plurals, possessives
    negations: frozenset[str]  # single words that deny, which careless fingers glue to the next: "notloose"
    everyday: Everyday  # single words of everyday life: there are too many of them for the tree of phrases


def load_lexicons(files: Mapping[str, str]) -> Mapping[str, Lexicon]:
    """Lexicons by language code, from file names and their TOML text.

    Raises ProtocolError naming the file and key for a missing sign, a phrase with two meanings, or a list
    that no lexicon has.

    >>> load_lexicons({"en.toml": "[colours]"})
    Traceback (most recent call last):
    monitor.errors.ProtocolError: en.toml: colours: found 'colours'; allowed: ...
    """
    return {name.removesuffix(".toml"): _load(name, text) for name, text in files.items()}


def _load(file: str, text: str) -> Lexicon:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(file, "syntax", str(error), "a TOML file") from error
    _check_keys(file, "", found=data, allowed=(*SECTIONS, *OTHER_SECTIONS))
    groups = {key: phrases_of(file, f"groups.{key}", value) for key, value in data.get("groups", {}).items()}
    vocabulary, everyday, negations = Vocabulary(groups), Everyday(), set[str]()
    phrases, details, keywords = Phrases(vocabulary), Phrases(vocabulary), Phrases(vocabulary)
    asked = {sign: Phrases(vocabulary) for sign in Sign}
    for key, listed, meaning in lists_of(file, data):
        layer = asked[Sign(meaning.about)] if meaning.kind in (Kind.ASKED, Kind.ASKED_NOT) else phrases
        layer = keywords if meaning.kind in KEYWORDS else layer
        if meaning.kind == Kind.WORD:
            listed = tuple(phrase for phrase in listed if not everyday.takes(phrase))
        elif meaning.kind in (Kind.NO, Kind.NOT):
            negations |= {fold(phrase) for phrase in listed if phrase.isalpha() and len(phrase) > 1}
        _add(layer, listed, _heard(meaning), file=file, key=key)
    for word in sorted(everyday.words):
        if (other := phrases.meaning_of(word)) is not None:
            taken = f"a phrase of its own; this one already stands under {other.kind} {other.about}".rstrip()
            raise ProtocolError(file, "ignore.word", word, taken)
    for key, listed, meaning in detail_lists_of(file, data):
        _add(details, listed, meaning, file=file, key=key)
    return Lexicon(
        language=file.removesuffix(".toml"),
        vocabulary=vocabulary,
        phrases=phrases,
        asked=asked,
        keywords=keywords,
        details=details,
        speller=Speller(words=vocabulary.words, stems=vocabulary.stems),
        respell={fold(key): fold(value) for key, value in data.get("respell", {}).items()},
        endings=tuple(fold(ending) for ending in phrases_of(file, "endings", data.get("endings", []))),
        negations=frozenset(negations),
        everyday=everyday,
    )


def _heard(meaning: Meaning) -> Meaning:
    """A phrase's meaning as it acts in a sentence: lists that act alike differ only in what they are about."""
    if meaning.kind == Kind.ASKED_NOT:
        return replace(meaning, kind=Kind.DENIED)
    if meaning.kind in ACTS_AS:
        return Meaning(ACTS_AS[Kind(meaning.kind)], meaning.kind)
    return meaning


def _add(phrases: Phrases, listed: Sequence[str], meaning: Meaning, *, file: str, key: str) -> None:
    mended = meaning.kind not in EVERYDAY
    for phrase in listed:
        try:
            other = phrases.add(phrase, meaning, mended=mended)
        except KeyError as error:
            raise ProtocolError(file, key, phrase, f"a group of [groups]; there is no {error}") from error
        if other is not None:
            taken = f"a phrase of its own; this one already stands under {other.kind} {other.about}".rstrip()
            raise ProtocolError(file, key, phrase, taken)


def lists_of(file: str, data: Mapping[str, object]) -> Iterator[tuple[str, tuple[str, ...], Meaning]]:
    """The file's main lists: key, phrases and what they mean."""
    signs = _table(file, "signs", data.get("signs"))
    _check_keys(file, "signs", found=signs, allowed=tuple(Sign))
    for sign in Sign:
        if sign not in signs:
            raise ProtocolError(file, f"signs.{sign}", "nothing", "phrases for every sign")
        yield from _listed(file, f"signs.{sign}", signs[sign], kinds=SIGN_LISTS, about=sign)
    for section, kinds in SECTIONS.items():
        yield from _listed(file, section, data.get(section, {}), kinds=kinds, about="")
    for word, value in _table(file, "numbers", data.get("numbers", {})).items():
        if not isinstance(value, int):
            raise ProtocolError(file, f"numbers.{word}", value, "a whole number")
        yield f"numbers.{word}", (word,), Meaning(Kind.NUMBER, str(value))


def _listed(
    file: str, section: str, table: object, *, kinds: Sequence[Kind], about: str
) -> Iterator[tuple[str, tuple[str, ...], Meaning]]:
    lists = _table(file, section, table)
    _check_keys(file, section, found=lists, allowed=tuple(kinds))
    for key, phrases in lists.items():
        yield f"{section}.{key}", phrases_of(file, f"{section}.{key}", phrases), Meaning(key, about)


def detail_lists_of(file: str, data: Mapping[str, object]) -> Iterator[tuple[str, tuple[str, ...], Meaning]]:
    """The finer points: details of signs, and how long ago something happened (in hours)."""
    details = _table(file, "details", data.get("details", {}))
    _check_keys(file, "details", found=details, allowed=tuple(Detail))
    for key, phrases in details.items():
        yield f"details.{key}", phrases_of(file, f"details.{key}", phrases), Meaning("detail", key)
    for phrase, hours in _table(file, "hours_ago", data.get("hours_ago", {})).items():
        if not isinstance(hours, int | float):
            raise ProtocolError(file, f"hours_ago.{phrase}", hours, "a number of hours")
        yield f"hours_ago.{phrase}", (phrase,), Meaning(Kind.AGO, str(hours))


def _table(file: str, key: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ProtocolError(file, key, value, "a table of lists")
    return value


def phrases_of(file: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(phrase, str) and phrase.strip() for phrase in value):
        raise ProtocolError(file, key, value, "a list of phrases in quotes")
    return tuple(phrase for text in value for phrase in text.split(", "))


def _check_keys(file: str, section: str, *, found: Mapping[str, object], allowed: Sequence[str]) -> None:
    for key in found:
        if key not in allowed:
            where = f"{section}.{key}" if section else key
            raise ProtocolError(file, where, key, ", ".join(allowed))
