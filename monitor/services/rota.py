"""Change the rota: weekly shifts, covers for once, two people who exchange two of their shifts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.localtime import WEEKDAYS, local_instant
from monitor.errors import BadInput, NotFound
from monitor.models import Clinic, Override, Shift, Staff
from monitor.services.audit import record
from monitor.services.clinic import parse_time
from monitor.services.staff import find_staff, hold_staff

YEARS = range(2000, 2200)  # a year outside is a slip of the keyboard
LONGEST_COVER = timedelta(days=60)
MINUTES_OF_A_WEEK = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a weekly shift comes round: it begins on this date."""

    shift_id: int
    on: date


def add_shift(session: Session, staff_id: int, days: str, start: str, end: str, *, now: datetime) -> None:
    """A weekly shift on each of the days."""
    person = find_staff(session, staff_id)
    hold_staff(session, person.clinic_id)
    starts, ends = _minute("from", start), _minute("to", end)
    for weekday in _weekdays(days):
        _require_free(session, person, weekday, starts, ends)
        session.add(Shift(staff_id=person.id, weekday=weekday, starts=starts, ends=ends))
        session.flush()
    record(
        session, "shift_added", at=now, clinic_id=person.clinic_id, staff=person.id, days=days, hours=f"{start}-{end}"
    )


def remove_shift(session: Session, shift_id: int, *, clinic_id: int, now: datetime) -> None:
    """It does not come round any more. Raises NotFound, also for another clinic's."""
    hold_staff(session, clinic_id)
    shift, person = _shift_of(session, shift_id, clinic_id)
    session.delete(shift)
    record(
        session,
        "shift_removed",
        at=now,
        clinic_id=clinic_id,
        staff=person.id,
        shift=shift.id,
        weekday=shift.weekday,
        hours=f"{shift.starts:%H:%M}-{shift.ends:%H:%M}",
    )


def add_cover(
    session: Session,
    staff_id: int,
    start: str,
    end: str,
    *,
    now: datetime,
    instead_of: int | None = None,
    tier: int | None = None,
) -> None:
    """For once, from one local moment to another. `tier` is the one that whoever asks means to cover."""
    person = find_staff(session, staff_id)
    hold_staff(session, person.clinic_id)
    other = _replaced(session, person, instead_of)
    if tier is not None:
        _require_tier(person, other, tier)
    zone = ZoneInfo(session.get_one(Clinic, person.clinic_id).timezone)
    starts_at, ends_at = _moment("from", start, zone), _moment("to", end, zone)
    if ends_at <= starts_at:
        raise BadInput("to", end, "a moment after that from which it goes")
    if ends_at - starts_at > LONGEST_COVER:
        raise BadInput("to", end, f"at most {LONGEST_COVER.days} days in one cover; a weekly shift goes on for longer")
    if ends_at <= now:
        raise BadInput("to", end, "a moment that is still to come")
    cover = Override(staff_id=person.id, instead_of_id=instead_of, starts_at=starts_at, ends_at=ends_at)
    _add(session, cover, person, other, zone)
    record(session, "cover_added", at=now, clinic_id=person.clinic_id, **_told(cover))


def remove_cover(session: Session, cover_id: int, *, clinic_id: int, now: datetime) -> None:
    """Take a cover back. One that has begun ends now, so that it stays known who was on call. Raises NotFound, also
    for another clinic's."""
    hold_staff(session, clinic_id)
    cover = session.get(Override, cover_id)
    known = cover and [session.get(Staff, one) for one in (cover.staff_id, cover.instead_of_id) if one is not None]
    if cover is None or not known or any(one is None or one.clinic_id != clinic_id for one in known):
        raise NotFound("cover", cover_id, "one of your clinic's, as the rota shows it")
    if cover.ends_at <= now:
        raise BadInput("cover", "one that is over", "one that is still to come, or goes on now")
    record(session, "cover_removed", at=now, clinic_id=clinic_id, **_told(cover))
    if cover.starts_at < now:
        cover.ends_at = now
    else:
        session.delete(cover)


def swap(session: Session, one: Occurrence, other: Occurrence, *, clinic_id: int, now: datetime) -> None:
    """Two people exchange two of their shifts, for once: each covers for the other."""
    hold_staff(session, clinic_id)
    zone = ZoneInfo(session.get_one(Clinic, clinic_id).timezone)
    first, lin = _shift_of(session, one.shift_id, clinic_id)
    second, ray = _shift_of(session, other.shift_id, clinic_id)
    if lin.id == ray.id:
        raise BadInput("other", ray.name, "a shift of somebody else: two people swap")
    spans = {"one": _span("one", first, one.on, zone, now), "other": _span("other", second, other.on, zone, now)}
    if lin.tier == ray.tier and spans["one"][0] < spans["other"][1] and spans["other"][0] < spans["one"][1]:
        raise BadInput("other", _words(*spans["other"], zone), "a shift at another time: both are on call then anyway")
    for field, person, instead in (("one", ray, lin), ("other", lin, ray)):
        starts_at, ends_at = spans[field]
        cover = Override(staff_id=person.id, instead_of_id=instead.id, starts_at=starts_at, ends_at=ends_at)
        _add(session, cover, person, instead, zone, field=field)
        record(session, "cover_added", at=now, clinic_id=clinic_id, swap=True, **_told(cover))
    record(session, "shifts_swapped", at=now, clinic_id=clinic_id, staff=lin.id, other=ray.id)


# --- what is looked at before


def _replaced(session: Session, person: Staff, instead_of: int | None) -> Staff | None:
    if instead_of == person.id:
        raise BadInput("instead-of", person.name, "somebody other than who covers")
    other = find_staff(session, instead_of) if instead_of is not None else None
    if other is not None and other.clinic_id != person.clinic_id:
        raise NotFound("staff", instead_of, "somebody of the same clinic")
    return other


def _require_tier(person: Staff, other: Staff | None, tier: int) -> None:
    """A cover counts in the tier of whom it replaces, else in that of whoever covers."""
    if other is not None and other.tier != tier:
        raise BadInput("instead-of", other.name, f"somebody of tier {tier}: they are of tier {other.tier}")
    if other is None and person.tier != tier:
        allowed = f"whom of tier {tier} they stand in for: {person.name} is of tier {person.tier}"
        raise BadInput("instead-of", "nobody", allowed)


def _add(
    session: Session, cover: Override, person: Staff, other: Staff | None, zone: ZoneInfo, *, field: str = "from"
) -> None:
    """Unless somebody stands in there already."""
    at_once = select(Override).where(Override.starts_at < cover.ends_at, Override.ends_at > cover.starts_at)
    same = Override.instead_of_id == other.id if other else Override.instead_of_id.is_(None)
    mine = Override.staff_id == person.id
    there = session.scalar(at_once.where(same, *([] if other else [mine])).order_by(Override.starts_at).limit(1))
    if there is not None:
        covering = session.get(Staff, there.staff_id) if there.staff_id else None
        words = f"{covering.name if covering else 'Nobody'} covers {_words(there.starts_at, there.ends_at, zone)}"
        found = _words(cover.starts_at, cover.ends_at, zone)
        raise BadInput(field, found, f"a time that is not covered yet: {words}; take that back first")
    session.add(cover)
    session.flush()


def _require_free(session: Session, person: Staff, weekday: int, starts: time, ends: time) -> None:
    """Nobody has two shifts at once: one of them would be a slip."""
    wanted = set(_minutes(weekday, starts, ends))
    for shift in session.scalars(select(Shift).where(Shift.staff_id == person.id)):
        if not wanted.isdisjoint(_minutes(shift.weekday, shift.starts, shift.ends)):
            there = f"{WEEKDAYS[shift.weekday]} {shift.starts:%H:%M}-{shift.ends:%H:%M}"
            asked = f"{WEEKDAYS[weekday]} {starts:%H:%M}-{ends:%H:%M}"
            raise BadInput("from", asked, f"a time at which {person.name} has no shift: {there} is theirs already")


def _minutes(weekday: int, starts: time, ends: time) -> Iterator[int]:
    """Each minute of the week that a shift holds; an end not after its start lies on the next day.

    >>> minutes = list(_minutes(6, time(23), time(1)))  # over the end of the week
    >>> minutes[0], minutes[-1], len(minutes)
    (10020, 59, 120)
    """
    first = (weekday * 24 + starts.hour) * 60 + starts.minute
    last = (weekday * 24 + ends.hour) * 60 + ends.minute
    length = last - first if last > first else last - first + 24 * 60
    return ((first + n) % MINUTES_OF_A_WEEK for n in range(length))


def _shift_of(session: Session, shift_id: int, clinic_id: int) -> tuple[Shift, Staff]:
    shift = session.get(Shift, shift_id)
    person = session.get(Staff, shift.staff_id) if shift else None
    if shift is None or person is None or person.clinic_id != clinic_id or person.left_at is not None:
        raise NotFound("shift", shift_id, "one of your clinic's, as the rota shows it")
    return shift, person


def _span(field: str, shift: Shift, on: date, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """When a shift begins and ends that comes round on a date."""
    if on.weekday() != shift.weekday or on.year not in YEARS:
        raise BadInput(field, on.isoformat(), "a day on which this shift comes round")
    ends_on = on if shift.ends > shift.starts else on + timedelta(days=1)
    span = local_instant(on, shift.starts, zone), local_instant(ends_on, shift.ends, zone)
    if span[0] <= now:
        raise BadInput(field, _words(*span, zone), "a shift that has not begun yet")
    return span


# --- what was typed


def _weekdays(text: str) -> Sequence[int]:
    """
    >>> _weekdays("sat-sun"), _weekdays("mon"), _weekdays("mon-tue, fri")
    ([5, 6], [0], [0, 1, 4])
    """
    days: set[int] = set()
    for part in text.strip().lower().split(","):
        first, _, last = part.strip().partition("-")
        try:
            span = range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1)
        except ValueError:
            span = range(0)
        if not span:
            raise BadInput("days", text, "days such as mon, mon-fri or sat-sun")
        days.update(span)
    return sorted(days)


def _minute(field: str, text: str) -> time:
    at = parse_time(field, text)
    if at.second or at.microsecond:
        raise BadInput(field, text, "a time to the minute, such as 09:30")
    return at


def _moment(field: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        naive = datetime.fromisoformat(text)
    except ValueError:
        naive = None
    if naive is None or naive.tzinfo is not None or naive.year not in YEARS:
        raise BadInput(field, text, 'a date and time on the clinic\'s clock, such as "2026-12-24 08:00"')
    return local_instant(naive.date(), naive.time(), zone)


def _told(cover: Override) -> dict[str, Any]:
    """A cover as the log keeps it."""
    return {
        "staff": cover.staff_id,
        "instead_of": cover.instead_of_id,
        "starts": cover.starts_at.isoformat(),
        "ends": cover.ends_at.isoformat(),
    }


def _words(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    return f"{start:%a %d %b %H:%M} to {end:%a %d %b %H:%M}"
