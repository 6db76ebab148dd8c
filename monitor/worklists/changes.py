"""Who was first, where two people of a clinic change the same thing."""

from __future__ import annotations

from collections.abc import Collection
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.models import Event, Staff


def last_change(
    session: Session, clinic_id: int, kinds: Collection[str], zone: ZoneInfo, *, of_staff: int | None = None
) -> str:
    """Who made the last change of these kinds, in a sentence; `of_staff` asks for those about one person."""
    lines = select(Event).where(Event.clinic_id == clinic_id, Event.kind.in_(kinds)).order_by(Event.id.desc()).limit(20)
    about = (line for line in session.scalars(lines) if of_staff is None or line.detail.get("staff") == of_staff)
    last = next(about, None)
    if last is None:
        return "Somebody changed this meanwhile."
    person = session.get(Staff, int(last.actor.removeprefix("staff:"))) if last.actor.startswith("staff:") else None
    return f"{person.name if person else 'Somebody'} changed this at {last.at.astimezone(zone):%H:%M on %d %b}."
