"""Who is on call at an instant: weekly shifts in the clinic's time zone, overrides, tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.domain.localtime import Window


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
        ids = self._on_shift(set(members), instant)
        for cover in (c for c in self.covers if c.covers(instant)):
            ids = _apply(cover, ids, members)
        return [person for person in self.people if person.id in ids]

    def everyone(self) -> list[Person]:
        return list(self.people)

    def gaps(
        self, start: datetime, end: datetime, step: timedelta = timedelta(minutes=30)
    ) -> list[tuple[int, datetime]]:
        """The first instant of each stretch in which a tier has nobody, for `doctor`."""
        found: list[tuple[int, datetime]] = []
        for tier in self.tiers():
            empty = False
            instant = start
            while instant < end:
                nobody = not self.on_call(tier, instant)
                if nobody and not empty:
                    found.append((tier, instant))
                empty = nobody
                instant += step
        return found

    def _on_shift(self, members: set[int], instant: datetime) -> set[int]:
        shifts = [s for s in self.shifts if s.person_id in members]
        if not shifts:
            return members
        local = instant.astimezone(self.zone)
        return {s.person_id for s in shifts if s.covers(local)}


def _apply(cover: Cover, ids: set[int], members: dict[int, Person]) -> set[int]:
    """A cover counts in the tier of whom it replaces, else in the tier of who covers."""
    if cover.instead_of is not None and cover.instead_of not in members:
        return ids
    ids = ids - {cover.instead_of} if cover.instead_of else set(ids)
    if cover.person_id is not None and (cover.instead_of is not None or cover.person_id in members):
        ids.add(cover.person_id)
    return ids
