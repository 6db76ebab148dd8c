"""The texts we send, by language: loaded from data, filled in, and measured as SMS segments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from gsm0338 import Codec

from monitor.domain.load_protocol import Place, parse_toml
from monitor.errors import ProtocolError

# What a text may have filled in, each with the longest value that really comes: the length check uses it.
PLACEHOLDERS: Mapping[str, str] = {
    "clinic": "Riverside Dental and Implants",
    "phone": "+44 20 7946 0123",
    "emergency": "112",
    "out_of_hours": "+44 20 7946 0124",
    "minutes": "240",
    "day": "1825",
    "time": "Wed 30 Sep 12:00",
    "date": "Wed 30 Sep",
    "by": "Wed 30 Sep 12:00",
    "name": "Alexandra Montgomery-Smith",
    "who": "Alexandra Montgomery-Smith",
    "found": "hard to breathe or swallow, spreading swelling",
    "signs": "spreading swelling, heavy bleeding, cap or implant out",
    "band": "EMERGENCY",
    "initials": "A.B.M.",
    "chart": "A-1234567",
    "code": "483920",
    "link": "https://monitor.example.org/a/AbCd-fGh_jKl",
    "count": "38.2",
    "list": "A advised, B booked, C seen, D referred, E emergency care, F misread, G handed back",
}
_FIELD = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs: `units` are septets in GSM-7, 16-bit units in UCS-2."""

    encoding: str
    units: int
    segments: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language's texts. `segments` holds how many SMS segments a text may take where it may be long."""

    language: str
    texts: Mapping[str, str]
    segments: Mapping[str, int]
    file: str = ""


def load_catalogue(text: str, *, file: str) -> Catalogue:
    """A language's texts from TOML; the file's name is the language. Raises ProtocolError.

    >>> load_catalogue('[texts]\\nnudge = "Reminder from {clinic}"', file="messages/en.toml").language
    'en'
    """
    place = Place(file)
    data = parse_toml(text, place)
    for section in data.keys() - {"texts", "segments"}:
        raise place.at(section).error(data[section], "one of texts, segments")
    texts = _table(data.get("texts", {}), place.at("texts"))
    segments = _table(data.get("segments", {}), place.at("segments"))
    language = file.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".toml")
    return Catalogue(
        language,
        {key: _template(value, place.at("texts").at(key)) for key, value in texts.items()},
        {key: _allowance(value, place.at("segments").at(key)) for key, value in segments.items()},
        file,
    )


def render(catalogue: Catalogue, key: str, **fields: object) -> str:
    """A text with its fields filled in, in one pass: braces in a value stay as they are.

    >>> render(Catalogue("en", {"nudge": "Reminder, {clinic}"}, {}), "nudge", clinic="{phone}")
    'Reminder, {phone}'
    """
    template = catalogue.texts.get(key)
    file = catalogue.file or catalogue.language
    if template is None:
        raise ProtocolError(file, f"texts.{key}", "nothing", "a text under this key")
    for name in fields_of(template):
        if name not in fields:
            allowed = "a field that is given here: " + ", ".join(fields)
            raise ProtocolError(file, f"texts.{key}", f"{{{name}}}", allowed)
    return _FIELD.sub(lambda match: str(fields[match[1]]), template)


def fields_of(template: str) -> list[str]:
    """The names in braces.

    >>> fields_of("{clinic}: call {phone}")
    ['clinic', 'phone']
    """
    return _FIELD.findall(template)


def allowed_segments(catalogue: Catalogue, key: str, encoding: str) -> int:
    """How many segments a text may take: its own allowance, else one in GSM-7 and two in UCS-2.

    >>> allowed_segments(Catalogue("ru", {}, {"care": 3}), "nudge", "UCS-2")
    2
    """
    return catalogue.segments.get(key, 1 if encoding == "GSM-7" else 2)


def count_segments(text: str) -> Segments:
    """How a phone network cuts a text: 160 septets or 153 a part, 70 UCS-2 units or 67 a part.

    A character of two units (the euro sign in GSM-7, an emoji in UCS-2) is never cut in half.

    >>> count_segments("x" * 161), count_segments("á" * 70)
    (Segments(encoding='GSM-7', units=161, segments=2), Segments(encoding='UCS-2', units=70, segments=1))
    """
    septets = [_septets(character) for character in text]
    if all(septets):
        return Segments("GSM-7", sum(septets), _parts(septets, 160, 153))
    widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return Segments("UCS-2", sum(widths), _parts(widths, 70, 67))


@cache
def _codec() -> Codec:
    return Codec()


@cache
def _septets(character: str) -> int:
    """How many septets a character takes in the GSM alphabet; 0 where it is not in it."""
    if character == "\x1b":  # the alphabet's own shift, no character of a text
        return 0
    try:
        return len(_codec().encode(character)[0])
    except UnicodeEncodeError:
        return 0


def _parts(widths: list[int], alone: int, each: int) -> int:
    if sum(widths) <= alone:
        return 1
    parts, room = 1, each
    for width in widths:
        if width > room:
            parts, room = parts + 1, each
        room -= width
    return parts


def _table(found: object, place: Place) -> dict[str, object]:
    if not isinstance(found, dict):
        raise place.error(found, "a table of keys and values")
    return found


def _template(found: object, place: Place) -> str:
    if not isinstance(found, str) or not found.strip():
        raise place.error(found, "words in quotes")
    if {"{", "}"} & set(_FIELD.sub("", found)):
        raise place.error(found, "braces only around one name, such as {clinic}")
    return found


def _allowance(found: object, place: Place) -> int:
    if type(found) is not int or not 1 <= found <= 10:
        raise place.error(found, "a whole number from 1 to 10")
    return found
