"""A week of the rota as people read it: who is on call, by tier and day, on the clinic's clock, and where nobody is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from monitor.domain.localtime import WEEKDAYS, local_date, local_instant
from monitor.domain.rota import How, Rota, Stretch, stretches
from monitor.models import Clinic, Override, Shift, Staff
from monitor.queries import calendar_of, rota_of

HUES = 6  # how many colours tell people apart
A_DAY, AN_HOUR = timedelta(days=1), timedelta(hours=1)
TYPED = "%Y-%m-%dT%H:%M"  # a local moment as a form's field holds it


@dataclass(frozen=True, slots=True)
class Someone:
    """Somebody of the staff; `hue` is their colour."""

    id: int
    name: str
    tier: int
    hue: int


@dataclass(frozen=True, slots=True)
class Piece:
    """What of a stretch lies on one day. `since` and `until` are what a form to cover it holds."""

    who: Someone | None
    how: How
    hours: str
    since: str
    until: str
    past: bool


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the clock; on two days of the year there are 23 or 25."""

    since: str
    until: str
    hues: tuple[int, ...]
    gap: bool
    past: bool


@dataclass(frozen=True, slots=True)
class Day:
    on: date
    today: bool
    holiday: bool
    clock_change: bool
    hours: Sequence[Hour]
    pieces: Sequence[Piece]

    @property
    def plain(self) -> bool:
        """Everybody is on call as at all hours: there is nothing more to say."""
        return all(piece.how == How.ALWAYS for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class TierWeek:
    """A tier's week. `always` says that nobody of it has a shift, so that all are on call at all hours."""

    tier: int
    always: bool
    people: Sequence[Someone]
    now: Sequence[str]
    days: Sequence[Day]


@dataclass(frozen=True, slots=True)
class Gap:
    """A tier has nobody; moments are local."""

    tier: int
    starts_at: datetime
    ends_at: datetime
    hours: int
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class CoverLine:
    id: int
    staff_id: int | None
    instead_of_id: int | None
    who: str
    instead_of: str | None
    starts_at: datetime
    ends_at: datetime
    over: bool


@dataclass(frozen=True, slots=True)
class ShiftLine:
    """Somebody's weekly shifts of the same hours: the id of each by its day."""

    who: Someone
    hours: str
    days: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Week:
    monday: date
    zone: ZoneInfo
    tiers: Sequence[TierWeek]
    gaps: Sequence[Gap]
    covers: Sequence[CoverLine]
    shifts: Sequence[ShiftLine]
    people: Sequence[Someone]
    swaps: Sequence[tuple[str, str]]

    @property
    def sunday(self) -> date:
        return self.monday + 6 * A_DAY


def week_of(session: Session, clinic: Clinic, monday: date, now: datetime) -> Week:
    """All of a week. Gaps are those that are not over yet."""
    zone = ZoneInfo(clinic.timezone)
    people = people_of(session, clinic.id)
    start, end = (local_instant(monday + n * A_DAY, time(), zone) for n in (0, 7))
    rota = rota_of(session, clinic)
    found = [s for s in stretches(rota, start - A_DAY, end + A_DAY) if s.overlaps(start, end)]
    free = calendar_of(clinic, start).holidays
    view = _View(zone, monday, now, {one.id: one for one in people}, free)
    return Week(
        monday=monday,
        zone=zone,
        tiers=[_tier(view, rota, tier, [s for s in found if s.tier == tier]) for tier in rota.tiers()],
        gaps=[_gap(s, max(s.starts_at, now), zone) for s in found if s.how == How.NOBODY and s.ends_at > now],
        covers=_covers(session, clinic.id, start, end, now, zone),
        shifts=_shifts(session, view.people),
        people=people,
        swaps=list(_swaps(session, view)),
    )


def people_of(session: Session, clinic_id: int) -> list[Someone]:
    """Everybody who works at a clinic, by tier."""
    here = Staff.clinic_id == clinic_id, Staff.left_at.is_(None)
    rows = session.execute(select(Staff.id, Staff.name, Staff.tier).where(*here).order_by(Staff.id)).all()
    found = [Someone(row.id, row.name, row.tier, n % HUES) for n, row in enumerate(rows)]
    return sorted(found, key=lambda one: (one.tier, one.id))


@dataclass(frozen=True, slots=True)
class _View:
    """From where a week is looked at."""

    zone: ZoneInfo
    monday: date
    now: datetime
    people: Mapping[int, Someone]
    holidays: Set[date]

    def days(self) -> Iterator[date]:
        return (self.monday + n * A_DAY for n in range(7))

    def typed(self, instant: datetime) -> str:
        return instant.astimezone(self.zone).strftime(TYPED)


def _tier(view: _View, rota: Rota, tier: int, mine: Sequence[Stretch]) -> TierWeek:
    people = [one for one in view.people.values() if one.tier == tier]
    return TierWeek(
        tier=tier,
        always=rota.is_always_on({one.id for one in people}),
        people=people,
        now=[view.people[person.id].name for person in rota.on_call(tier, view.now)],
        days=[_day(view, on, mine) for on in view.days()],
    )


def _day(view: _View, on: date, mine: Sequence[Stretch]) -> Day:
    start, end = (local_instant(on + n * A_DAY, time(), view.zone) for n in (0, 1))
    here = [s for s in mine if s.overlaps(start, end)]
    return Day(
        on=on,
        today=on == local_date(view.now, view.zone),
        holiday=on in view.holidays,
        clock_change=end - start != A_DAY,
        hours=[_hour(view, at, min(at + AN_HOUR, end), here) for at in _each_hour(start, end)],
        pieces=[_piece(view, s, start, end) for s in here],
    )


def _each_hour(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += AN_HOUR


def _hour(view: _View, start: datetime, end: datetime, here: Sequence[Stretch]) -> Hour:
    at_once = [s for s in here if s.overlaps(start, end)]
    hues = dict.fromkeys(view.people[s.person_id].hue for s in at_once if s.person_id is not None)
    gap = any(s.how == How.NOBODY for s in at_once)
    return Hour(view.typed(start), view.typed(end), tuple(hues)[:3], gap, end <= view.now)


def _piece(view: _View, stretch: Stretch, start: datetime, end: datetime) -> Piece:
    """A stretch of at most a day is covered as a whole, of a longer one what lies on this day."""
    since, until = max(stretch.starts_at, start), min(stretch.ends_at, end)
    whole = stretch.ends_at - stretch.starts_at <= A_DAY
    meant = (stretch.starts_at, stretch.ends_at) if whole else (since, until)
    who = None if stretch.person_id is None else view.people[stretch.person_id]
    hours = _hours(since, until, view.zone, all_day=(since, until) == (start, end))
    return Piece(who, stretch.how, hours, view.typed(meant[0]), view.typed(meant[1]), past=until <= view.now)


def _hours(since: datetime, until: datetime, zone: ZoneInfo, *, all_day: bool) -> str:
    begins, ends = since.astimezone(zone), until.astimezone(zone)
    last = "24:00" if ends.time() == time() else f"{ends:%H:%M}"
    return "all day" if all_day else f"{begins:%H:%M}–{last}"


def _gap(stretch: Stretch, starts_at: datetime, zone: ZoneInfo) -> Gap:
    starts, ends = starts_at.astimezone(zone).replace(second=0), stretch.ends_at.astimezone(zone)
    hours = round((stretch.ends_at - starts_at) / AN_HOUR)
    return Gap(stretch.tier, starts, ends, max(hours, 1), starts.strftime(TYPED), ends.strftime(TYPED))


def _covers(
    session: Session, clinic_id: int, start: datetime, end: datetime, now: datetime, zone: ZoneInfo
) -> list[CoverLine]:
    """Covers of this clinic's people that touch the week, the first first."""
    names = {
        row.id: row.name for row in session.execute(select(Staff.id, Staff.name).where(Staff.clinic_id == clinic_id))
    }
    ours = or_(Override.staff_id.in_(names), Override.instead_of_id.in_(names))
    rows = session.scalars(
        select(Override)
        .where(ours, Override.starts_at < end, Override.ends_at > start)
        .order_by(Override.starts_at, Override.id)
    )
    return [
        CoverLine(
            id=row.id,
            staff_id=row.staff_id,
            instead_of_id=row.instead_of_id,
            who=names.get(row.staff_id or 0, "Nobody"),
            instead_of=names.get(row.instead_of_id) if row.instead_of_id else None,
            starts_at=row.starts_at.astimezone(zone),
            ends_at=row.ends_at.astimezone(zone),
            over=row.ends_at <= now,
        )
        for row in rows
    ]


def _shifts(session: Session, people: Mapping[int, Someone]) -> list[ShiftLine]:
    rows = session.scalars(select(Shift).where(Shift.staff_id.in_(people)).order_by(Shift.weekday, Shift.starts))
    lines: dict[tuple[int, time, time], dict[str, int]] = {}
    for row in rows:
        lines.setdefault((row.staff_id, row.starts, row.ends), {})[WEEKDAYS[row.weekday].capitalize()] = row.id
    found = [ShiftLine(people[who], f"{s:%H:%M}–{e:%H:%M}", days) for (who, s, e), days in lines.items()]
    return sorted(found, key=lambda line: (line.who.tier, line.who.id, line.hours))


def _swaps(session: Session, view: _View) -> Iterator[tuple[str, str]]:
    """Each shift that begins in this week and has not begun yet: what a form sends, and its words."""
    shifts = session.scalars(select(Shift).where(Shift.staff_id.in_(view.people)).order_by(Shift.starts)).all()
    for on in view.days():
        for shift in (s for s in shifts if s.weekday == on.weekday()):
            if local_instant(on, shift.starts, view.zone) > view.now:
                who, hours = view.people[shift.staff_id], f"{shift.starts:%H:%M}–{shift.ends:%H:%M}"
                yield f"{shift.id}:{on}", f"{who.name}, {on:%a} {on.day} {on:%b} {hours} (tier {who.tier})"
