"""The rota's last change in words, and what it has opened: whoever changes it reads at once what they have done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.localtime import WEEKDAYS
from monitor.models import Event, Staff
from monitor.worklists.rota import CoverLine, Gap, Week

JUST_NOW = timedelta(minutes=5)
KINDS = ("shift_added", "shift_removed", "cover_added", "cover_removed")


@dataclass(frozen=True, slots=True)
class _Change:
    words: str
    tier: int
    starts_at: datetime | None = None  # local, of a cover
    ends_at: datetime | None = None
    weekday: int | None = None  # of a weekly shift


def last_words(session: Session, clinic_id: int, staff_id: int, week: Week, now: datetime) -> str:
    """What this person has just changed, and where nobody is on call now because of it; empty if they have not."""
    mine = Event.clinic_id == clinic_id, Event.actor == f"staff:{staff_id}", Event.kind.in_(KINDS)
    events = session.scalars(select(Event).where(*mine).order_by(Event.id.desc()).limit(2)).all()
    if not events or events[0].at < now - JUST_NOW:
        return ""
    together = [one for one in events if one.at == events[0].at and one.kind == events[0].kind]  # both of a swap
    changes = [_change(session, one, week) for one in reversed(together)]
    gaps = list(dict.fromkeys(gap for change in changes for gap in _opened(change, week)))
    if not gaps:
        return " ".join(change.words for change in changes)
    return " ".join([*(change.words for change in changes), f"That leaves nobody on call: {_list(gaps)}."])


def other_half(cover: CoverLine, covers: Sequence[CoverLine]) -> CoverLine | None:
    """What is left of a swap if one half of it is taken back: the two cover for one another."""
    if cover.staff_id is None or cover.instead_of_id is None:
        return None
    mirrored = (cover.instead_of_id, cover.staff_id)
    found = (one for one in covers if not one.over and (one.staff_id, one.instead_of_id) == mirrored)
    return next(found, None)


def cover_words(cover: CoverLine) -> str:
    """
    >>> at = datetime(2026, 11, 14, 8)
    >>> cover_words(CoverLine(1, 2, 3, "Dr Ray", "Dr Lin", at, at + timedelta(hours=10), over=False))
    'Dr Ray instead of Dr Lin, Sat 14 Nov, 08:00 to Sat 14 Nov, 18:00'
    """
    whom = f"instead of {cover.instead_of}" if cover.instead_of else "beside the others"
    return f"{cover.who} {whom}, {_at(cover.starts_at)} to {_at(cover.ends_at)}"


def _change(session: Session, event: Event, week: Week) -> _Change:
    detail, zone = event.detail, week.zone
    who = _person(session, detail.get("staff"))
    name = who.name if who else "Nobody"
    if event.kind in {"shift_added", "shift_removed"}:
        weekday, hours = detail.get("weekday"), detail.get("hours", "")
        on = detail["days"].replace(",", ", ").title() if weekday is None else WEEKDAYS[weekday].capitalize()
        words = "weekly shift is added" if event.kind == "shift_added" else "weekly shift is removed"
        return _Change(f"{name}’s {words}: {on}, {hours}.", who.tier if who else 0, weekday=weekday)
    starts, ends = (datetime.fromisoformat(detail[name]).astimezone(zone) for name in ("starts", "ends"))
    other = _person(session, detail.get("instead_of"))
    words = "covers" if event.kind == "cover_added" else "does not cover any more"
    stands_in = other or who
    return _Change(
        f"{name} {words}{f' for {other.name}' if other else ''}: {_at(starts)} to {_at(ends)}.",
        stands_in.tier if stands_in else 0,
        starts,
        ends,
    )


def _person(session: Session, staff_id: Any) -> Staff | None:
    return session.get(Staff, staff_id) if staff_id is not None else None


def _opened(change: _Change, week: Week) -> Iterator[Gap]:
    """The week's gaps that lie where the change was made."""
    for gap in week.gaps:
        if gap.tier != change.tier:
            continue
        if change.starts_at is not None and change.ends_at is not None:
            if gap.starts_at < change.ends_at and change.starts_at < gap.ends_at:
                yield gap
        elif change.weekday is None or change.weekday in _weekdays(gap):
            yield gap


def _weekdays(gap: Gap) -> set[int]:
    """Those that a gap touches, and the one before: a shift of the night ends on the next day."""
    days: set[int] = set()
    on: date = gap.starts_at.date() - timedelta(days=1)
    while on <= gap.ends_at.date():
        days.add(on.weekday())
        on += timedelta(days=1)
    return days


def _list(gaps: Sequence[Gap]) -> str:
    first = "; ".join(f"tier {gap.tier}, {_at(gap.starts_at)} to {_at(gap.ends_at)}" for gap in gaps[:2])
    return first + (f"; and {len(gaps) - 2} times more, below" if len(gaps) > 2 else "")


def _at(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b, %H:%M}"
