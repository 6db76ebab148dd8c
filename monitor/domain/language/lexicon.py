"""The words of one language, loaded from `seeds/lexicon/*.toml` and checked at the door.

A lexicon file holds lists of phrases (phrases.py says how they are written); the list that a phrase stands in
is its meaning. No Python knows a language: a new one is a new file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.domain.language.phrases import Everyday, Meaning, Phrases, Vocabulary
from monitor.domain.language.spelling import Speller
from monitor.domain.normalise import fold
from monitor.domain.terms import Detail, Sign
from monitor.errors import ProtocolError


class Kind(StrEnum):
    """The lists of a lexicon file: what a phrase does in a sentence."""

    # [signs.<sign>]
    NAMES = "names"  # can be listed after "no": fever, bad smell
    STATES = "states"  # what something is: swollen, loose
    EVENTS = "events"  # a statement by itself: came off, it bleeds
    DENIED = "denied"  # says by itself that the sign is not there: rock solid
    ASKED = "asked"  # shows the sign only in answer to its own question: yellow, when I chew
    ASKED_NOT = "asked_not"  # denies it only in answer to its own question: dry, still there
    # [negation]
    NO = "no"  # before a name or after it, or an answer by itself
    BOTH = "both"  # the same, where one word also turns verbs as NOT does: "no mejora"
    NO_ALONE = "no_alone"  # "n": no where nothing else is said, "and" anywhere else
    NONE = "none"  # the same, but an answer only where little else is said: nothing, never
    NOT = "not"  # before anything
    CANNOT = "cannot"  # the same, of what one is unable to do: the verb after it may be the complaint
    NOR = "nor"  # before anything, and it goes on with a list
    # [course]
    RESOLVED = "resolved"
    PERSISTS = "persists"
    RECURS = "recurs"  # came back
    AGAIN = "again"  # came back, unless it is said of something else: "I eat nuts again"
    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    TRACE = "trace"
    MUCH = "much"
    FINE = "fine"
    # [answers]
    YES = "yes"
    AFFIRM = "affirm"  # "it is", "there is": an answer only where nothing else is said
    BLANKET = "blanket"  # "all good", "none of those"
    REST = "rest"  # "everything else is fine": no answer, but nothing to worry about
    UNSURE = "unsure"
    VAGUE = "vague"  # neither good nor bad: "so so", "surviving"
    ACK = "ack"  # "ok", a thumb: heard, but no answer to a question
    # [joints]
    CONTRAST = "contrast"
    EXCEPT = "except"
    JOINER = "joiner"
    CHOICE = "choice"  # "or", "nor": goes on with a negated list
    SUBJECT = "subject"  # who or what a new statement is about: it, my, there
    MOUTH = "mouth"  # a subject that is part of the mouth: gum, cheek
    THING = "thing"  # a subject that may be part of it: it, there
    ME = "me"  # a subject that is the patient: I
    ASKER = "asker"  # an opener that asks where it begins a text: "is soup ...", "does it ..."
    ARTICLE = "article"  # an opener that any noun may follow: "la", "un"
    OPENER = "opener"  # goes on with a new statement: is, have, some
    # [time]
    PAST = "past"
    NOW = "now"
    ELSEWHEN = "elsewhen"  # before surgery, years ago: nothing to do with this wound
    # [stance]
    HYPOTHETICAL = "hypothetical"
    WONDER = "wonder"  # a question about what may be: "what if", "what does pus look like"
    WORRY = "worry"  # "worried about": no sign is asserted, but a person must read it
    TRIGGER = "trigger"  # "if I press": a condition that is no hypothesis
    QUESTION = "question"
    RELATIVE = "relative"  # asks only at the beginning of a statement: "when you", "where"
    PRESUMING = "presuming"  # a question that takes the sign for granted: "is it normal that"
    DOUBT = "doubt"  # "not sure if", "can't tell if"
    # [people]
    THEIRS = "theirs"  # what family has or had: "my brother had"
    OTHERS = "others"  # family: somebody else, or writing of the patient
    STRANGERS = "strangers"  # friends, colleagues: nobody we look after
    SELF = "self"
    PROXY = "proxy"  # family writing for the patient
    # [places]
    PART = "part"
    STITCH = "stitch"
    ELSEWHERE = "elsewhere"  # another part of the body
    OBJECT = "object"  # another thing: what is said of it is no complaint
    AILMENT = "ailment"  # another illness, a complaint by itself: headache, flu
    # [numbers]
    NUMBER = "number"
    HALF = "half"
    POINT = "point"
    ABOVE = "above"
    BELOW = "below"
    AT_MOST = "at_most"
    RANGE = "range"
    SCALE = "scale"
    UNIT = "unit"  # after a number that is no score: hours, pills, mg
    LABEL = "label"  # before a number that is no score: day, tooth, at
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"
    # [requests]
    STOP = "stop"
    STOP_WORD = "stop_word"  # only as the whole text
    START = "start"  # only as the whole text
    HELP = "help"  # only as the whole text
    RESCHEDULE = "reschedule"
    CONFIRM = "confirm"
    WRONG_NUMBER = "wrong_number"
    THANKS = "thanks"
    SMALL_TALK = "small_talk"
    CALL = "call"  # wants a person: call me, it is urgent
    COMPLAINT = "complaint"  # something is wrong, no sign of ours
    REMARK = "remark"  # about the practice or the service, not the body
    # [ignore]
    IDIOM = "idiom"
    FILLER = "filler"  # small words
    WORD = "word"  # words of everyday life
    BODY = "body"  # names the mouth or body: an unknown word beside it may be a complaint
    # [hours_ago]
    AGO = "ago"


KEYWORDS = (Kind.STOP_WORD, Kind.START, Kind.HELP)
SIGN_KINDS = (Kind.NAMES, Kind.STATES, Kind.EVENTS, Kind.DENIED, Kind.ASKED)
_SIGN_LISTS = (*SIGN_KINDS, Kind.ASKED_NOT)
# Lists that act as another one and keep their own name as what they are about.
_ACTS_AS = {
    Kind.MOUTH: Kind.SUBJECT,
    Kind.THING: Kind.SUBJECT,
    Kind.ME: Kind.SUBJECT,
    Kind.ARTICLE: Kind.OPENER,
    Kind.ASKER: Kind.OPENER,
    Kind.BOTH: Kind.NO,
    Kind.CANNOT: Kind.NOT,
    Kind.REST: Kind.FINE,
    Kind.OBJECT: Kind.ELSEWHERE,
}
# Words of these lists are never guessed at: an unknown word beside the mouth is rather shown to a person.
_EVERYDAY = (Kind.WORD, Kind.FILLER, Kind.IDIOM)
_SECTIONS: Mapping[str, tuple[Kind, ...]] = {
    "negation": (Kind.NO, Kind.BOTH, Kind.NO_ALONE, Kind.NONE, Kind.NOT, Kind.CANNOT, Kind.NOR),
    "course": (
        Kind.RESOLVED, Kind.PERSISTS, Kind.RECURS, Kind.AGAIN, Kind.BETTER, Kind.SAME, Kind.WORSE, Kind.TRACE,
        Kind.MUCH, Kind.FINE,
    ),
    "answers": (Kind.YES, Kind.AFFIRM, Kind.BLANKET, Kind.REST, Kind.UNSURE, Kind.VAGUE, Kind.ACK),
    "joints": (
        Kind.CONTRAST, Kind.EXCEPT, Kind.JOINER, Kind.CHOICE, Kind.SUBJECT, Kind.MOUTH, Kind.THING, Kind.ME,
        Kind.ARTICLE, Kind.ASKER, Kind.OPENER,
    ),
    "time": (Kind.PAST, Kind.NOW, Kind.ELSEWHEN),
    "stance": (
        Kind.HYPOTHETICAL, Kind.WONDER, Kind.WORRY, Kind.TRIGGER, Kind.QUESTION, Kind.RELATIVE, Kind.PRESUMING,
        Kind.DOUBT,
    ),
    "people": (Kind.THEIRS, Kind.OTHERS, Kind.STRANGERS, Kind.SELF, Kind.PROXY),
    "places": (Kind.PART, Kind.STITCH, Kind.ELSEWHERE, Kind.OBJECT, Kind.AILMENT),
    "quantities": (
        Kind.HALF, Kind.POINT, Kind.ABOVE, Kind.BELOW, Kind.AT_MOST, Kind.RANGE, Kind.SCALE, Kind.UNIT, Kind.LABEL,
        Kind.CELSIUS, Kind.FAHRENHEIT,
    ),
    "requests": (
        Kind.STOP, Kind.STOP_WORD, Kind.START, Kind.HELP, Kind.RESCHEDULE, Kind.CONFIRM, Kind.WRONG_NUMBER,
        Kind.THANKS, Kind.SMALL_TALK, Kind.CALL, Kind.COMPLAINT, Kind.REMARK,
    ),
    "ignore": (Kind.IDIOM, Kind.FILLER, Kind.WORD, Kind.BODY),
}  # fmt: skip
_OTHER_SECTIONS = ("signs", "groups", "details", "numbers", "hours_ago", "respell")


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
    _check_keys(file, "", found=data, allowed=(*_SECTIONS, *_OTHER_SECTIONS))
    groups = {key: phrases_of(file, f"groups.{key}", value) for key, value in data.get("groups", {}).items()}
    vocabulary, everyday, negations = Vocabulary(groups), Everyday(), set[str]()
    phrases, details, keywords = Phrases(vocabulary), Phrases(vocabulary), Phrases(vocabulary)
    asked = {sign: Phrases(vocabulary) for sign in Sign}
    for key, phrase, meaning in entries_of(file, data):
        if meaning.kind == Kind.WORD and everyday.takes(phrase):
            everyday.add(phrase)
            continue
        if meaning.kind in (Kind.NO, Kind.NOT) and phrase.isalpha() and len(phrase) > 1:
            negations.add(fold(phrase))
        layer = asked[Sign(meaning.about)] if meaning.kind in (Kind.ASKED, Kind.ASKED_NOT) else phrases
        layer = keywords if meaning.kind in KEYWORDS else layer
        _add(layer, phrase, _heard(meaning), file=file, key=key)
    for word in sorted(everyday.words):
        if (other := phrases.meaning_of(word)) is not None:
            taken = f"a phrase of its own; this one already stands under {other.kind} {other.about}".rstrip()
            raise ProtocolError(file, "ignore.word", word, taken)
    for key, phrase, meaning in detail_entries_of(file, data):
        _add(details, phrase, meaning, file=file, key=key)
    return Lexicon(
        language=file.removesuffix(".toml"),
        vocabulary=vocabulary,
        phrases=phrases,
        asked=asked,
        keywords=keywords,
        details=details,
        speller=Speller(words=vocabulary.words, stems=vocabulary.stems),
        respell={fold(key): fold(value) for key, value in data.get("respell", {}).items()},
        negations=frozenset(negations),
        everyday=everyday,
    )


def _heard(meaning: Meaning) -> Meaning:
    """A phrase's meaning as it acts in a sentence: lists that act alike differ only in what they are about."""
    if meaning.kind == Kind.ASKED_NOT:
        return replace(meaning, kind=Kind.DENIED)
    if meaning.kind in _ACTS_AS:
        return Meaning(_ACTS_AS[Kind(meaning.kind)], meaning.kind)
    return meaning


def _add(phrases: Phrases, phrase: str, meaning: Meaning, *, file: str, key: str) -> None:
    try:
        other = phrases.add(phrase, meaning, mended=meaning.kind not in _EVERYDAY)
    except KeyError as error:
        raise ProtocolError(file, key, phrase, f"a group of [groups]; there is no {error}") from error
    if other is not None:
        taken = f"a phrase of its own; this one already stands under {other.kind} {other.about}".rstrip()
        raise ProtocolError(file, key, phrase, taken)


def entries_of(file: str, data: Mapping[str, object]) -> Iterator[tuple[str, str, Meaning]]:
    """Every phrase of the file's main lists with its key and meaning."""
    signs = _table(file, "signs", data.get("signs"))
    _check_keys(file, "signs", found=signs, allowed=tuple(Sign))
    for sign in Sign:
        if sign not in signs:
            raise ProtocolError(file, f"signs.{sign}", "nothing", "phrases for every sign")
        yield from _listed(file, f"signs.{sign}", signs[sign], kinds=_SIGN_LISTS, about=sign)
    for section, kinds in _SECTIONS.items():
        yield from _listed(file, section, data.get(section, {}), kinds=kinds, about="")
    for word, value in _table(file, "numbers", data.get("numbers", {})).items():
        if not isinstance(value, int):
            raise ProtocolError(file, f"numbers.{word}", value, "a whole number")
        yield f"numbers.{word}", word, Meaning(Kind.NUMBER, str(value))


def _listed(
    file: str, section: str, table: object, *, kinds: Sequence[Kind], about: str
) -> Iterator[tuple[str, str, Meaning]]:
    lists = _table(file, section, table)
    _check_keys(file, section, found=lists, allowed=tuple(kinds))
    for key, phrases in lists.items():
        for phrase in phrases_of(file, f"{section}.{key}", phrases):
            yield f"{section}.{key}", phrase, Meaning(key, about)


def detail_entries_of(file: str, data: Mapping[str, object]) -> Iterator[tuple[str, str, Meaning]]:
    """The finer points: details of signs, and how long ago something happened (in hours)."""
    details = _table(file, "details", data.get("details", {}))
    _check_keys(file, "details", found=details, allowed=tuple(Detail))
    for key, phrases in details.items():
        for phrase in phrases_of(file, f"details.{key}", phrases):
            yield f"details.{key}", phrase, Meaning("detail", key)
    for phrase, hours in _table(file, "hours_ago", data.get("hours_ago", {})).items():
        if not isinstance(hours, int | float):
            raise ProtocolError(file, f"hours_ago.{phrase}", hours, "a number of hours")
        yield f"hours_ago.{phrase}", phrase, Meaning(Kind.AGO, str(hours))


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
