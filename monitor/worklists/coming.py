"""An episode's calendar for somebody who reads the record: what still comes, and what became of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.plan import postop_day
from monitor.models import Episode
from monitor.queries import wherever
from monitor.worklists.text_words import WHERE, what_text


@dataclass(frozen=True, slots=True)
class Step:
    """One text of the calendar, on the patient's own clock."""

    at: datetime
    day: int
    what: str
    waits: bool
    state: str


def calendar(session: Session, episode: Episode) -> list[Step]:
    """In the order of time."""
    zone = ZoneInfo(episode.patient.timezone)
    planned = wherever(
        lambda texts: select(texts.once, texts.kind, texts.due_at, texts.state, texts.why).where(
            texts.episode_id == episode.id, texts.once.startswith("plan:")
        )
    )
    return [
        Step(
            at=row.due_at.astimezone(zone),
            day=postop_day(episode.surgery_on, row.due_at, zone),
            what=what_text(row.kind, row.once),
            waits=row.state == State.PLANNED,
            state=WHERE[State(row.state)] + (f": {row.why.replace('_', ' ')}" if row.why else ""),
        )
        for row in session.execute(planned.order_by("due_at"))
    ]
