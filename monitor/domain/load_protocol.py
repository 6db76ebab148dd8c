"""Read a protocol from TOML: every table is one dataclass of protocol.py, every key one of its fields.

Bad data is refused where it stands: file, key ("rules[pain-late].when.day_min"), what was found, what is allowed.
Contradictions between parts that are each well formed are check_protocol.py's to find.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import time
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from monitor.domain.protocol import Outcome, Protocol
from monitor.errors import ProtocolError

LARGEST = 36500  # days in a century: beyond it a number is a slip, and dates would overflow


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file a value stands."""

    file: str
    key: str = ""

    def at(self, name: str) -> Place:
        """A key of this table.

        >>> Place("p.toml").at("rules").item({"id": "pus"}, 3).at("band").key
        'rules[pus].band'
        """
        return Place(self.file, f"{self.key}.{name}" if self.key else name)

    def item(self, found: object, number: int) -> Place:
        """An item of this list, by the name it has, else by its number from 0."""
        names = [found.get(key) for key in ("id", "key", "name")] if isinstance(found, dict) else []
        label = next((name for name in names if isinstance(name, str) and name), number)
        return Place(self.file, f"{self.key}[{label}]")

    def error(self, found: object, allowed: str) -> ProtocolError:
        return ProtocolError(self.file, self.key or "(the file)", found, allowed)


def load_protocol(text: str, *, file: str) -> Protocol:
    """The protocol in a TOML text. Raises ProtocolError, and nothing else, at the first thing it cannot use.

    >>> load_protocol('name = "dental-implant"', file="p.toml")
    Traceback (most recent call last):
    monitor.errors.ProtocolError: p.toml: signs: found 'nothing'; allowed: this key is needed
    """
    place = Place(file)
    protocol = _record(Protocol, parse_toml(text, place), place)
    assert isinstance(protocol, Protocol)
    return protocol


def parse_toml(text: str, place: Place) -> dict[str, Any]:
    """The tables of a TOML text.

    >>> parse_toml("a = 1", Place("p.toml"))
    {'a': 1}
    """
    try:
        return tomllib.loads(text)
    # Beside its own error, which is a ValueError, the parser lets through those of Python's own limits:
    # numbers of thousands of digits and nesting of thousands of levels.
    except (ValueError, RecursionError) as error:
        raise place.error(str(error), "TOML, as in the seed file") from None


def _record(kind: Any, table: object, place: Place) -> Any:
    if not isinstance(table, dict):
        raise place.error(table, "a table of " + ", ".join(f.name for f in fields(kind)))
    known = {f.name: f for f in fields(kind)}
    for name in table.keys() - known.keys():
        raise place.at(name).error(table[name], "one of " + ", ".join(known))
    for name, field in known.items():
        if name not in table and field.default is MISSING and field.default_factory is MISSING:
            raise place.at(name).error("nothing", "this key is needed")
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], found, place.at(name)) for name, found in table.items()})


def _value(kind: Any, found: object, place: Place) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
        return _value(kind, found, place)
    if origin in (tuple, frozenset):
        return origin(_items(get_args(kind)[0], found, place))
    if origin is Mapping:
        key_kind, item_kind = get_args(kind)
        if is_dataclass(item_kind) and item_kind is not Outcome:
            return _by_name(item_kind, found, place)
        return _table(key_kind, item_kind, found, place=place)
    if kind is Outcome and not isinstance(found, dict):  # its words alone: all that older versions say of one
        return Outcome(_plain(str, found, place))
    if is_dataclass(kind):
        return _record(kind, found, place)
    if issubclass(kind, Enum):
        return _choice(kind, found, place)
    return _plain(kind, found, place)


def _items(kind: Any, found: object, place: Place) -> Iterator[Any]:
    if not isinstance(found, list):
        raise place.error(found, "a list in square brackets")
    for number, item in enumerate(found):
        yield _value(kind, item, place.item(item, number))


def _by_name(kind: Any, found: object, place: Place) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for item in _items(kind, found, place):
        if item.name in named:
            raise place.error(item.name, "each name only once")
        named[item.name] = item
    return named


def _table(key_kind: Any, item_kind: Any, found: object, *, place: Place) -> dict[Any, Any]:
    if not isinstance(found, dict):
        raise place.error(found, "a table of keys and values")
    places = {key: place.at(key) for key in found}
    return {_value(key_kind, key, at): _value(item_kind, found[key], at) for key, at in places.items()}


def _choice(kind: type[Enum], found: object, place: Place) -> Enum:
    allowed = [str(member.value) for member in kind]
    if not isinstance(found, str) or found not in allowed:
        raise place.error(found, "one of " + ", ".join(allowed))
    return kind(found)


PLAIN: Mapping[Any, str] = {
    str: "words in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    time: "a time such as 18:00:00",
}


def _plain(kind: Any, found: object, place: Place) -> Any:
    # bool is a kind of int in Python, but "days = true" is a slip.
    if type(found) is not kind and not (kind is float and type(found) is int):
        raise place.error(found, PLAIN[kind])
    return _number(kind, found, place) if kind in (int, float) else found


def _number(kind: Any, found: Any, place: Place) -> object:
    if not math.isfinite(found) or abs(found) > LARGEST:
        raise place.error(found, f"a number no larger than {LARGEST}")
    return kind(found)
