"""What every built-in phone shows now: whose it is, its texts in order, a ringing call, how a text was read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, func, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.terms import Band
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
    last = dict(
        session.execute(select(PhoneText.phone, func.max(PhoneText.id)).group_by(PhoneText.phone)).tuples().all()
    )
    zone = next((owner.zone for group in owners.values() for owner in group), ZoneInfo("UTC"))
    for number in [*last, *([also] if also else [])]:
        owners.setdefault(number, [stranger(zone)])
    numbers = [number for number, group in owners.items() if matches(find, number, group)]
    numbers.sort(key=lambda number: (number != also, -last.get(number, 0)))
    shown = numbers[:SHOWN_PHONES]
    texts = _texts_on(session, shown)
    phones = (_phone(number, owners[number], texts.get(number, [])) for number in shown)
    return Screens(tuple(phones), len(numbers))


def matches(find: str, number: str, owners: Iterable[Owner]) -> bool:
    """Whether a phone's number, or its owner's name, initials or chart number holds what is looked for.

    >>> matches("555 0123", "+12025550123", []), matches("ann", "+1", [])
    (True, False)
    """
    wanted = find.strip().casefold()
    digits = re.sub(r"[\s().-]", "", wanted)
    return digits in number or any(wanted in owner.searched for owner in owners)


@dataclass(frozen=True, slots=True)
class _Row:
    text: PhoneText
    total: int
    ringing: bool
    understood: Understood | None


def _texts_on(session: Session, numbers: Sequence[str]) -> Mapping[str, list[_Row]]:
    last = _last_texts(numbers)
    understood = _readings(session, last)
    found = session.execute(
        select(PhoneText, last.c.total, Message.state, Alert.id, Alert.state)
        .join(last, last.c.id == PhoneText.id)
        .outerjoin(Message, Message.id == PhoneText.message_id)
        .outerjoin(Alert, Alert.id == Message.alert_id)
        .order_by(PhoneText.id.desc())
    ).tuples()
    screens: dict[str, list[_Row]] = {}
    rang: set[tuple[str, int]] = set()
    for text, total, state, alert_id, alert_state in found:
        # Of the calls about one alert, the newest can still be answered; the earlier ones have rung out.
        newest = text.call and (text.phone, alert_id) not in rang
        ringing = newest and state == State.SENT and alert_state == "open"
        rang |= {(text.phone, alert_id)} if text.call else set()
        screens.setdefault(text.phone, []).insert(0, _Row(text, total, ringing, understood.get(text.sid)))
    return screens


def _last_texts(numbers: Sequence[str]) -> CTE:
    ranked = (
        select(
            PhoneText.id,
            PhoneText.sid,
            func.row_number().over(partition_by=PhoneText.phone, order_by=PhoneText.id.desc()).label("back"),
            func.count().over(partition_by=PhoneText.phone).label("total"),
        )
        .where(PhoneText.phone.in_(numbers))
        .cte("ranked")
    )
    return select(ranked).where(ranked.c.back <= SHOWN_TEXTS).cte("last_texts")


def _readings(session: Session, last: CTE) -> Mapping[str, Understood]:
    """How each text was read; on a shared phone the reading that weighs most."""
    found = session.execute(
        select(Inbound.sid, Inbound.result, Assessment)
        .join(last, last.c.sid == Inbound.sid)
        .join(Assessment, Assessment.inbound_id == Inbound.id)
    ).tuples()
    readings: dict[str, Understood] = {}
    for sid, result, assessment in found:
        reading = _understood(assessment, result or "")
        if sid not in readings or reading.band > readings[sid].band:
            readings[sid] = reading
    return readings


OUTCOMES = {
    "alert": "staff are told",
    "review": "a person reads it",
    "ask": "asked again",
    "close": "nothing to do",
}


def _understood(assessment: Assessment, result: str) -> Understood:
    disposition = result.partition(":")[0] or assessment.disposition
    reasons = tuple(
        reason["text"] + (f" (“{reason['said']}”)" if reason["said"] else "") for reason in assessment.reasons
    )
    return Understood(Band(assessment.band), OUTCOMES.get(disposition, disposition), reasons)


def _phone(number: str, owners: Sequence[Owner], rows: Sequence[_Row]) -> Phone:
    zone = owners[0].zone
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
                understood=row.understood,
                starts_day=not bubbles or bubbles[-1].at.date() != at.date(),
            )
        )
    earlier = rows[0].total - len(rows) if rows else 0
    return Phone(number, tuple(owners), tuple(bubbles), earlier)
