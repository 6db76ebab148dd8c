"""Who is on call at an instant: weekly shifts in the clinic's time zone, overrides, tiers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from monitor.domain.localtime import Window, local_date


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be paged."""

    id: int
    phone: str
    tier: int


@dataclass(frozen=True, slots=True)
class WeeklyShift:
    """Every `weekday` (0 = Monday) from `starts`; an end not after it lies on the next day."""

    person_id: int
    weekday: int
    starts: time
    ends: time

    def covers(self, local: datetime) -> bool:
        """Whether a local wall-clock time falls in this shift.

        >>> night = WeeklyShift(1, 4, time(19), time(7))  # Friday evening to Saturday morning
        >>> night.covers(datetime(2026, 11, 21, 6, 59)), night.covers(datetime(2026, 11, 21, 7))
        (True, False)
        """
        today, at = local.weekday(), local.time()
        if self.starts < self.ends:
            return today == self.weekday and Window(self.starts, self.ends).holds(at)
        yesterday = (local.date() - timedelta(days=1)).weekday()
        return (today == self.weekday and at >= self.starts) or (yesterday == self.weekday and at < self.ends)


@dataclass(frozen=True, slots=True)
class Cover:
    """For once, `person_id` is on call, instead of somebody or beside the shifts; None: nobody covers."""

    person_id: int | None
    instead_of: int | None
    starts_at: datetime
    ends_at: datetime

    def covers(self, instant: datetime) -> bool:
        return self.starts_at <= instant < self.ends_at


@dataclass(frozen=True, slots=True)
class Rota:
    """A clinic's staff and their times. Until a tier has a shift, everybody in it is on call at all hours."""

    zone: ZoneInfo
    people: Sequence[Person]
    shifts: Sequence[WeeklyShift] = ()
    covers: Sequence[Cover] = ()

    def tiers(self) -> list[int]:
        return sorted({person.tier for person in self.people})

    def on_call(self, tier: int, instant: datetime) -> list[Person]:
        """Who of a tier is on call, in the order they were added.

        >>> team = [Person(1, "+1", 1), Person(2, "+2", 1)]
        >>> [p.id for p in Rota(ZoneInfo("UTC"), team).on_call(1, datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))]
        [1, 2]
        """
        members = {p.id: p for p in self.people if p.tier == tier}
        ids = self.on_shift(set(members), instant)
        for cover in (c for c in self.covers if c.covers(instant)):
            ids = _apply(cover, ids, members)
        return [person for person in self.people if person.id in ids]

    def everyone(self) -> list[Person]:
        return list(self.people)

    def gaps(self, start: datetime, end: datetime) -> list[tuple[int, datetime]]:
        """The first instant of each stretch in which a tier has nobody, for `doctor`."""
        return [(s.tier, s.starts_at) for s in stretches(self, start, end) if s.person_id is None]

    def on_shift(self, members: set[int], instant: datetime) -> set[int]:
        """Which of a tier's people are on call by the week's plan, before covers."""
        if self.is_always_on(members):
            return members
        local = instant.astimezone(self.zone)
        return {s.person_id for s in self.shifts if s.person_id in members and s.covers(local)}

    def is_always_on(self, members: Set[int]) -> bool:
        """Whether these people, a tier's, are all on call at all hours since none of them has a shift."""
        return not any(shift.person_id in members for shift in self.shifts)


def _apply(cover: Cover, ids: set[int], members: dict[int, Person]) -> set[int]:
    """A cover counts in the tier of whom it replaces, else in the tier of who covers."""
    if cover.instead_of is not None and cover.instead_of not in members:
        return ids
    ids = ids - {cover.instead_of} if cover.instead_of else set(ids)
    if cover.person_id is not None and (cover.instead_of is not None or cover.person_id in members):
        ids.add(cover.person_id)
    return ids


class How(StrEnum):
    """Why somebody is on call."""

    SHIFT = "shift"
    COVER = "cover"
    ALWAYS = "always"  # nobody of the tier has a shift
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one instant to another, somebody of a tier is on call; `person_id` is None where nobody is."""

    tier: int
    person_id: int | None
    how: How
    starts_at: datetime
    ends_at: datetime

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.starts_at < end and start < self.ends_at


def stretches(rota: Rota, start: datetime, end: datetime) -> list[Stretch]:
    """Who is on call when between two instants: by tier, then by time. What the paging would find at any instant in
    between is what stands here, also in the nights on which clocks change.

    >>> team = [Person(1, "+1", 1), Person(2, "+2", 1)]
    >>> rota = Rota(ZoneInfo("UTC"), team, [WeeklyShift(1, 0, time(8), time(18)), WeeklyShift(2, 0, time(18), time(8))])
    >>> monday = datetime(2026, 11, 30, tzinfo=UTC)
    >>> for s in stretches(rota, monday, monday + timedelta(days=2)):
    ...     print(s.person_id, s.how, f"{s.starts_at:%a %H:%M} to {s.ends_at:%a %H:%M}")
    None nobody Mon 00:00 to Mon 08:00
    1 shift Mon 08:00 to Mon 18:00
    2 shift Mon 18:00 to Tue 08:00
    None nobody Tue 08:00 to Wed 00:00
    """
    rota = replace(rota, covers=[c for c in rota.covers if c.starts_at < end and start < c.ends_at])
    moments = sorted({start, end, *(m for m in _changes(rota, start, end) if start < m < end)})
    found: list[Stretch] = []
    for tier in rota.tiers():
        found += _stretches_of(rota, tier, moments)
    return found


def _stretches_of(rota: Rota, tier: int, moments: Sequence[datetime]) -> list[Stretch]:
    """One tier's, each as long as it goes on for the same reason."""
    done: list[Stretch] = []
    open_: dict[tuple[int | None, How], Stretch] = {}
    for since, until in pairwise(moments):
        now = {who: Stretch(tier, *who, since, until) for who in _who(rota, tier, since)}
        done += [stretch for who, stretch in open_.items() if who not in now]
        open_ = {w: replace(open_[w], ends_at=until) if w in open_ else stretch for w, stretch in now.items()}
    return sorted([*done, *open_.values()], key=lambda s: (s.starts_at, s.ends_at, s.person_id or 0))


def _who(rota: Rota, tier: int, instant: datetime) -> list[tuple[int | None, How]]:
    members = {p.id for p in rota.people if p.tier == tier}
    usual = How.ALWAYS if rota.is_always_on(members) else How.SHIFT
    planned = rota.on_shift(members, instant)
    people = [person.id for person in rota.on_call(tier, instant)]
    return [(p, usual if p in planned else How.COVER) for p in people] or [(None, How.NOBODY)]


def _changes(rota: Rota, start: datetime, end: datetime) -> Iterator[datetime]:
    """Every instant at which somebody may begin or end: of those that a clock shows twice, both."""
    for cover in rota.covers:
        yield from (cover.starts_at, cover.ends_at)
    times = {at for shift in rota.shifts for at in (shift.starts, shift.ends)} | {time()}
    day, last = local_date(start, rota.zone), local_date(end, rota.zone)
    while day <= last:
        for at in times:
            yield from {datetime.combine(day, at, rota.zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
        yield from _clock_change(day, rota.zone)
        day += timedelta(days=1)


def _clock_change(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """The instant of this day at which clocks change, if they do, to the second.

    >>> [at.isoformat() for at in _clock_change(date(2026, 11, 1), ZoneInfo("America/New_York"))]
    ['2026-11-01T06:00:00+00:00']
    """
    before = datetime.combine(day, time(), zone).astimezone(UTC)
    after = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    if after.astimezone(zone).utcoffset() == offset:
        return
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    yield after
