"""Pause an episode's scheduled texts for a while: the patient is in hospital, away, or is called instead."""

from __future__ import annotations

from datetime import date as calendar_date
from datetime import datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from monitor.domain.localtime import local_date, local_instant
from monitor.errors import BadInput
from monitor.models import Episode
from monitor.services.audit import record
from monitor.services.plan import write_plan
from monitor.services.seed import bundle_of
from monitor.services.settle import end_checkins

LONGEST = timedelta(days=180)


def pause_episode(session: Session, episode: Episode, until: calendar_date, *, now: datetime) -> None:
    """No scheduled text before this day; those of no use by then are skipped, with that reason. What was asked and is
    unanswered is not held against the patient. Raises BadInput."""
    zone = ZoneInfo(episode.patient.timezone)
    today = local_date(now, zone)
    if episode.cancelled_at is not None:
        allowed = "a day in an episode whose texts go on: those of this one have ended"
        raise BadInput("until", until.isoformat(), allowed)
    if not today < until <= today + LONGEST:
        raise BadInput("until", until.isoformat(), f"a day from {today + timedelta(days=1)} to {today + LONGEST}")
    episode.paused_until = local_instant(until, clock_time(0), zone)
    end_checkins(session, episode, now=now)
    record(session, "paused", at=now, patient_id=episode.patient_id, episode=episode.id, until=until.isoformat())


def resume_episode(session: Session, episode: Episode, *, now: datetime) -> None:
    """Texts go on as the calendar has them."""
    if episode.paused_until is None:
        raise BadInput("episode", episode.id, "an episode that is paused")
    episode.paused_until = None
    record(session, "resumed", at=now, patient_id=episode.patient_id, episode=episode.id)
    session.flush()
    write_plan(session, episode, bundle_of(session, episode.protocol_version_id), now=now)
