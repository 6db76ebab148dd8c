"""The escalation policy as the program uses it, and its loader."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Any

from monitor.domain.localtime import Window
from monitor.domain.terms import Band
from monitor.errors import ProtocolError


class PageWhen(StrEnum):
    AT_ONCE = "at_once"
    IN_DAY = "in_day"
    NEXT_NOON = "next_noon"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """One band's clocks."""

    page: PageWhen
    ring: bool
    next_tier: timedelta
    outcome: timedelta
    tell_patient: timedelta
    latest: timedelta


@dataclass(frozen=True, slots=True)
class Silence:
    """When an unanswered question is nudged, and when its silence is a finding."""

    nudge: timedelta
    finding_at: time
    question_open: timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is paged when. `day` is the window in which lesser bands may page."""

    day: Window
    digest_at: time
    bands: Mapping[Band, Deadlines]
    ring_last_resort: bool
    silence: Silence


def load_policy(text: str, *, file: str = "escalation.toml") -> Policy:
    """The policy in a TOML text; `ProtocolError` names what cannot be used.

    >>> load_policy("[day]")
    Traceback (most recent call last):
    monitor.errors.ProtocolError: escalation.toml: day.from: found 'nothing'; allowed: a time such as "07:00"
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(file, "(the file)", str(error), "TOML, as in the seed file") from None
    reader = _Reader(data, file)
    reader.refuse_unknown()
    return Policy(
        day=Window(reader.time("day", "from"), reader.time("day", "until")),
        digest_at=reader.time("digest", "at"),
        bands={band: _deadlines(reader, band.value) for band in (Band.SOON, Band.URGENT, Band.EMERGENCY)},
        ring_last_resort=reader.flag("last_resort", "ring"),
        silence=Silence(
            nudge=reader.minutes("silence", "nudge_minutes"),
            finding_at=reader.time("silence", "finding_at"),
            question_open=reader.minutes("silence", "question_open_minutes"),
        ),
    )


KEYS: Mapping[str, frozenset[str]] = {
    "day": frozenset({"from", "until"}),
    "digest": frozenset({"at"}),
    **{
        band: frozenset(
            {"page", "ring", "next_tier_minutes", "outcome_minutes", "tell_patient_minutes", "latest_minutes"}
        )
        for band in ("emergency", "urgent", "soon")
    },
    "last_resort": frozenset({"ring"}),
    "silence": frozenset({"nudge_minutes", "finding_at", "question_open_minutes"}),
}


def _deadlines(reader: _Reader, band: str) -> Deadlines:
    page = reader.choice(band, "page", [p.value for p in PageWhen])
    latest = reader.minutes(band, "latest_minutes") if page == PageWhen.NEXT_NOON else timedelta()
    return Deadlines(
        page=PageWhen(page),
        ring=reader.flag(band, "ring"),
        next_tier=reader.minutes(band, "next_tier_minutes"),
        outcome=reader.minutes(band, "outcome_minutes"),
        tell_patient=reader.minutes(band, "tell_patient_minutes"),
        latest=latest,
    )


class _Reader:
    """Takes typed values out of a parsed TOML table, each refusal naming file, key, found and allowed."""

    def __init__(self, data: Mapping[str, Any], file: str) -> None:
        self.data, self.file = data, file

    def refuse_unknown(self) -> None:
        for section, table in self.data.items():
            allowed = KEYS.get(section)
            if allowed is None or not isinstance(table, dict):
                raise ProtocolError(self.file, section, table, "one of " + ", ".join(KEYS))
            for key in table.keys() - allowed:
                raise ProtocolError(self.file, f"{section}.{key}", table[key], "one of " + ", ".join(sorted(allowed)))

    def time(self, section: str, key: str) -> time:
        value = self._get(section, key)
        try:
            return time.fromisoformat(value)
        except (TypeError, ValueError):
            raise self._error(section, key, 'a time such as "07:00"') from None

    def minutes(self, section: str, key: str) -> timedelta:
        value = self._get(section, key)
        if type(value) is not int or not 1 <= value <= 10080:
            raise self._error(section, key, "whole minutes from 1 to 10080")
        return timedelta(minutes=value)

    def flag(self, section: str, key: str) -> bool:
        value = self._get(section, key)
        if type(value) is not bool:
            raise self._error(section, key, "true or false")
        return value

    def choice(self, section: str, key: str, allowed: list[str]) -> str:
        value = self._get(section, key)
        if value not in allowed:
            raise self._error(section, key, "one of " + ", ".join(allowed))
        return str(value)

    def _get(self, section: str, key: str) -> Any:
        return self.data.get(section, {}).get(key)

    def _error(self, section: str, key: str, allowed: str) -> ProtocolError:
        value = self._get(section, key)
        return ProtocolError(self.file, f"{section}.{key}", "nothing" if value is None else value, allowed)
