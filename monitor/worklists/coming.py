"""An episode's calendar for somebody who reads the record: what still comes, and what became of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.foretell import Fate
from monitor.domain.plan import postop_day
from monitor.models import Episode
from monitor.queries import wherever
from monitor.worklists.foretold import fates_of
from monitor.worklists.text_words import TO_BE_LEFT_OUT, WHERE, what_text


@dataclass(frozen=True, slots=True)
class Step:
    """One text of the calendar, on the patient's own clock: when it leaves, left, or was to leave."""

    at: datetime
    day: int
    what: str
    leaves: bool
    state: str


def calendar(session: Session, episode: Episode, now: datetime) -> list[Step]:
    """In the order of time. What waits stands where the worker will send it; what it will leave out says so."""
    zone = ZoneInfo(episode.patient.timezone)
    planned = wherever(
        lambda texts: select(texts.id, texts.once, texts.kind, texts.due_at, texts.state, texts.why).where(
            texts.episode_id == episode.id, texts.once.startswith("plan:")
        )
    )
    fates = fates_of(session, [episode.patient_id], now)
    steps = [
        _step(row, fates.get(row.id) if row.state == State.PLANNED else None, episode, zone)
        for row in session.execute(planned)
    ]
    return sorted(steps, key=lambda step: step.at)


def _step(row: Any, fate: Fate | None, episode: Episode, zone: ZoneInfo) -> Step:
    leaves = fate is not None and fate.leaves
    at = fate.at if fate is not None and leaves else row.due_at
    where, why = (WHERE[State(row.state)], row.why) if fate is None or leaves else (TO_BE_LEFT_OUT, fate.why)
    return Step(
        at=at.astimezone(zone),
        day=postop_day(episode.surgery_on, at, zone),
        what=what_text(row.kind, row.once),
        leaves=leaves,
        state=where + (f": {why.replace('_', ' ')}" if why else ""),
    )
