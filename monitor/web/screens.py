"""What every built-in phone shows now: whose it is, its texts in order, a ringing call, how a text was read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.terms import Band, Disposition
from monitor.models import Alert, Assessment, Inbound, Message, PhoneText
from monitor.web.owners import Owner, owners_of_phones, stranger

SHOWN_PHONES = 60
SHOWN_TEXTS = 60


@dataclass(frozen=True, slots=True)
class Understood:
    """How one text was read: the band it was given, and why."""

    band: Band
    outcome: str
    reasons: tuple[str, ...]
    judged: bool  # false where nothing was found only because it could not be read


@dataclass(frozen=True, slots=True)
class Bubble:
    """One text or call on a screen, at the phone's own local time."""

    id: int
    at: datetime
    incoming: bool
    body: str
    call: bool
    ringing: bool
    message_id: int | None
    understood: Understood | None
    starts_day: bool


@dataclass(frozen=True, slots=True)
class Phone:
    """A number with its owners (several, where a phone is shared) and the last of its texts."""

    number: str
    owners: tuple[Owner, ...]
    bubbles: tuple[Bubble, ...]
    earlier: int  # texts before those shown

    @property
    def anchor(self) -> str:
        return anchor_of(self.number)

    @property
    def name(self) -> str:
        return " and ".join(owner.name for owner in self.owners)


@dataclass(frozen=True, slots=True)
class Screens:
    """The phones to show, and how many were found in all."""

    phones: tuple[Phone, ...]
    found: int


def anchor_of(number: str) -> str:
    """Where a phone stands on the page.

    >>> anchor_of("+12025550123")
    'phone-12025550123'
    """
    return "phone-" + re.sub(r"[^0-9A-Za-z]", "", number)


def read_screens(session: Session, now: datetime, *, find: str = "", also: str = "") -> Screens:
    """The phones that match `find`, those in use last first; `also` is a number that has no text yet."""
    owners = owners_of_phones(session, now)
    used = {number: (last, texts) for number, last, texts in _use_of_phones(session)}
    zone = next((owner.zone for group in owners.values() for owner in group), ZoneInfo("UTC"))
    for number in [*used, *([also] if also else [])]:
        owners.setdefault(number, [stranger(zone)])
    found = [number for number, group in owners.items() if matches(find, number, group)]
    found.sort(key=lambda number: (number != also, -used.get(number, (0, 0))[0]))
    rows = {number: _last_texts(session, number) for number in found[:SHOWN_PHONES]}
    readings = _readings(session, [row.text.sid for group in rows.values() for row in group])
    phones = (
        Phone(
            number=number,
            owners=tuple(owners[number]),
            bubbles=_bubbles(group, readings, owners[number][0].zone),
            earlier=used[number][1] - len(group) if group else 0,
        )
        for number, group in rows.items()
    )
    return Screens(tuple(phones), len(found))


def matches(find: str, number: str, owners: Iterable[Owner]) -> bool:
    """Whether a phone's number, or its owner's name, initials or chart number holds what is looked for.

    >>> matches("555 0123", "+12025550123", []), matches("ann", "+1", [])
    (True, False)
    """
    wanted = find.strip().casefold()
    digits = re.sub(r"[\s().-]", "", wanted)
    return digits in number or any(wanted in owner.searched for owner in owners)


def _use_of_phones(session: Session) -> Iterable[tuple[str, int, int]]:
    """Each phone that ever had a text, with its last text and how many it had."""
    return session.execute(select(PhoneText.phone, func.max(PhoneText.id), func.count()).group_by(PhoneText.phone))


@dataclass(frozen=True, slots=True)
class _Row:
    text: PhoneText
    ringing: bool


def _last_texts(session: Session, number: str) -> list[_Row]:
    """The last texts of a phone in their order. Of several calls about one alert only the newest can still ring."""
    found = session.execute(
        select(PhoneText, Message.state, Alert.id, Alert.state)
        .outerjoin(Message, Message.id == PhoneText.message_id)
        .outerjoin(Alert, Alert.id == Message.alert_id)
        .where(PhoneText.phone == number)
        .order_by(PhoneText.id.desc())
        .limit(SHOWN_TEXTS)
    )
    rows, rang = [], set()
    for text, state, alert_id, alert_state in found:
        ringing = text.call and alert_id not in rang and state == State.SENT and alert_state == "open"
        rang |= {alert_id} if text.call else set()
        rows.append(_Row(text, ringing))
    return rows[::-1]


def _readings(session: Session, sids: Sequence[str]) -> Mapping[str, Understood]:
    """How each text was read; on a shared phone the reading that weighs most."""
    found = session.execute(
        select(Inbound.sid, Inbound.result, Assessment.disposition, Assessment.band, Assessment.reasons)
        .join(Assessment, Assessment.inbound_id == Inbound.id)
        .where(Inbound.sid.in_(sids))
    )
    readings: dict[str, Understood] = {}
    for sid, result, disposition, band, reasons in found:
        reading = _understood(Band(band), (result or "").partition(":")[0] or disposition, reasons)
        if sid not in readings or reading.band > readings[sid].band:
            readings[sid] = reading
    return readings


OUTCOMES: Mapping[str, str] = {
    Disposition.ALERT: "staff are told",
    Disposition.REVIEW: "a person reads it",
    Disposition.ASK: "not understood",
    Disposition.CLOSE: "nothing to do",
}


def _understood(band: Band, disposition: str, reasons: Sequence[Mapping[str, Any]]) -> Understood:
    said = (f" (“{reason['said']}”)" if reason["said"] else "" for reason in reasons)
    why = tuple(reason["text"] + words for reason, words in zip(reasons, said, strict=True))
    judged = band > Band.EXPECTED or disposition == Disposition.CLOSE
    return Understood(band, OUTCOMES.get(disposition, disposition), why, judged)


def _bubbles(rows: Sequence[_Row], readings: Mapping[str, Understood], zone: ZoneInfo) -> tuple[Bubble, ...]:
    bubbles: list[Bubble] = []
    for row in rows:
        at = row.text.at.astimezone(zone)
        bubbles.append(
            Bubble(
                id=row.text.id,
                at=at,
                incoming=row.text.incoming,
                body=row.text.body,
                call=row.text.call,
                ringing=row.ringing,
                message_id=row.text.message_id,
                understood=readings.get(row.text.sid),
                starts_day=not bubbles or bubbles[-1].at.date() != at.date(),
            )
        )
    return tuple(bubbles)
