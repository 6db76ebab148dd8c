"""Make and change a clinic; turn its row into the calendar and rota that the domain works with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from functools import cache
from zoneinfo import available_timezones

import holidays as public_holidays
from sqlalchemy import select
from sqlalchemy.orm import Session
from tzlocal import get_localzone_name

from monitor.domain.localtime import WEEKDAYS
from monitor.domain.phone import parse_dialled, parse_phone
from monitor.errors import BadInput, NotFound, NotReady
from monitor.locking import hold
from monitor.models import Clinic
from monitor.services.audit import record

NAME_AT_MOST = 80
DEFAULT_HOURS = {day: ["08:00", "18:00"] for day in WEEKDAYS[:5]}
FIELDS = (
    "name",
    "timezone",
    "phone",
    "emergency_number",
    "out_of_hours_phone",
    "last_resort",
    "holidays",
    "hours",
    "checkin_at",
    "texting_from",
    "texting_until",
)
MAY_BE_EMPTY = {"phone", "emergency_number", "out_of_hours_phone", "last_resort", "holidays"}


def the_clinic(session: Session, clinic_id: int | None = None) -> Clinic:
    """The clinic with this id, or the first: the one that commands mean when none is named."""
    named = select(Clinic) if clinic_id is None else select(Clinic).where(Clinic.id == clinic_id)
    clinic = session.scalar(named.order_by(Clinic.id).limit(1))
    if clinic is None and clinic_id is not None:
        raise NotFound("clinic", clinic_id, "a clinic's id, as `monitor clinic list` shows them")
    if clinic is None:
        raise NotReady("no clinic yet: run `monitor init`")
    return clinic


def create_clinic(session: Session, values: Mapping[str, str], *, now: datetime) -> Clinic:
    """The first clinic of an installation, or a further one; an unset zone is the host's."""
    clinic = Clinic(name="Our clinic", timezone=_host_zone(), hours=DEFAULT_HOURS, created_at=now)
    session.add(clinic)
    session.flush()  # fills in the defaults
    change_clinic(session, clinic, values, now=now)
    return clinic


def add_clinic(session: Session, values: Mapping[str, str], *, now: datetime) -> Clinic:
    """A further clinic, by a name of its own: sent twice, it is not there twice."""
    hold(session, "set-up")  # two hosts may add it at once
    the_clinic(session)  # `monitor init` makes the first one, with all that clinics share
    name = check_name("name", values.get("name", ""), NAME_AT_MOST)
    there = session.scalar(select(Clinic.id).where(Clinic.name == name))
    if there is not None:
        raise BadInput("name", name, f"a name that no other clinic has (clinic {there} has it)")
    return create_clinic(session, values, now=now)


def change_clinic(session: Session, clinic: Clinic, values: Mapping[str, str | None], *, now: datetime) -> None:
    """Set the named fields, each checked; nothing is set if one is wrong. None empties one that may be empty."""
    checked = {
        field: _check(field, text or "", region_of(clinic)) if text is not None or field not in MAY_BE_EMPTY else None
        for field, text in values.items()
    }
    for field, value in checked.items():
        setattr(clinic, "last_resort_phone" if field == "last_resort" else field, value)
    if clinic.texting_from >= clinic.texting_until:
        raise BadInput("texting_until", clinic.texting_until.isoformat("minutes"), "a time after texting_from")
    session.flush()
    record(session, "clinic_changed", at=now, clinic_id=clinic.id, fields=sorted(checked))


def region_of(clinic: Clinic) -> str | None:
    """The country in which a number without a country code is dialled: that of the holidays."""
    return clinic.holidays.split("-")[0] if clinic.holidays else None


def check_zone(field: str, text: str) -> str:
    """A time zone by its name."""
    if text not in _zones():
        raise BadInput(field, text, "a zone's name, such as Europe/Berlin or America/New_York")
    return text


@cache
def _zones() -> frozenset[str]:
    """Read once: it goes through every file of the zone database."""
    return frozenset(available_timezones())


def check_name(field: str, text: str, limit: int = 120) -> str:
    """A name: some printable characters, not too many."""
    name = " ".join(text.split())
    if not name or len(name) > limit or not name.isprintable():
        raise BadInput(field, text[:limit], f"1 to {limit} printable characters")
    return name


def _check(field: str, text: str, region: str | None) -> object:
    match field:
        case "name":
            return check_name(field, text, NAME_AT_MOST)
        case "timezone":
            return check_zone(field, text)
        case "phone" | "last_resort":
            return parse_phone(field, text, region=region, must_text=False)
        case "emergency_number" | "out_of_hours_phone":
            return parse_dialled(field, text)
        case "holidays":
            return _check_country(field, text)
        case "hours":
            return _check_hours(field, text)
        case "checkin_at" | "texting_from" | "texting_until":
            return parse_time(field, text)
    raise BadInput("field", field, "one of " + ", ".join(FIELDS))


def parse_time(field: str, text: str) -> time:
    """A wall-clock time.

    >>> parse_time("time", "09:30")
    datetime.time(9, 30)
    """
    try:
        parsed = time.fromisoformat(text)
    except ValueError:
        raise BadInput(field, text, "a time such as 09:30") from None
    if parsed.tzinfo is not None:
        raise BadInput(field, text, "a local time without an offset, such as 09:30")
    return parsed


def _check_country(field: str, text: str) -> str:
    country, _, part = text.upper().partition("-")
    supported = public_holidays.list_supported_countries()
    if country not in supported or (part and part not in supported[country]):
        raise BadInput(field, text, "an ISO country code such as GB or DE, or one with its region such as DE-BY")
    return text.upper()


def _check_hours(field: str, text: str) -> dict[str, list[str]]:
    """Opening hours written as "mon-fri 08:00-18:00, sat 09:00-13:00".

    >>> _check_hours("hours", "mon-tue 08:00-18:00, sat 09:00-13:00")["tue"]
    ['08:00', '18:00']
    """
    allowed = 'hours such as "mon-fri 08:00-18:00, sat 09:00-13:00"'
    hours: dict[str, list[str]] = {}
    for part in text.lower().split(","):
        days, _, span = part.strip().partition(" ")
        first, _, last = days.partition("-")
        opens, _, closes = span.strip().partition("-")
        try:
            start, end = parse_time(field, opens), parse_time(field, closes)
            chosen = WEEKDAYS[WEEKDAYS.index(first) : WEEKDAYS.index(last or first) + 1]
        except (ValueError, BadInput):
            raise BadInput(field, text, allowed) from None
        if not chosen or start >= end:
            raise BadInput(field, text, allowed)
        hours |= {day: [start.isoformat("minutes"), end.isoformat("minutes")] for day in chosen}
    return hours


def _host_zone() -> str:
    try:
        name = get_localzone_name()
    except Exception:  # noqa: BLE001 -- a host with a broken zone still gets a clinic; doctor names the gap
        return "UTC"
    return name if name in _zones() else "UTC"


def describe_clinic(clinic: Clinic) -> dict[str, str]:
    """Every setting as text; what is not set says so."""
    hours = ", ".join(f"{day} {span[0]}-{span[1]}" for day, span in clinic.hours.items())
    values = {field: getattr(clinic, "last_resort_phone" if field == "last_resort" else field) for field in FIELDS}
    values["hours"] = hours or None
    return {
        field: value.isoformat("minutes") if isinstance(value, time) else str(value or "not set")
        for field, value in values.items()
    }


def value_of(clinic: Clinic, field: str) -> str:
    """A setting as it is typed; nothing where it is not set."""
    value = getattr(clinic, "last_resort_phone" if field == "last_resort" else field)
    if field == "hours":
        return write_hours(clinic.hours)
    return value.isoformat("minutes") if isinstance(value, time) else str(value or "")


def write_hours(hours: Mapping[str, list[str]]) -> str:
    """Opening hours in the shortest way in which they are typed.

    >>> write_hours({"mon": ["08:00", "18:00"], "tue": ["08:00", "18:00"], "sat": ["09:00", "13:00"]})
    'mon-tue 08:00-18:00, sat 09:00-13:00'
    """
    groups: list[tuple[str, str, str]] = []
    for day in WEEKDAYS:
        span = "-".join(hours[day]) if day in hours else ""
        if groups and groups[-1][2] == span:
            groups[-1] = (groups[-1][0], day, span)
        else:
            groups.append((day, day, span))
    return ", ".join(f"{a}-{b} {span}" if a != b else f"{a} {span}" for a, b, span in groups if span)
