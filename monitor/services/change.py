"""Change or end an episode: what has not left yet is planned anew, what was sent stays sent."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.localtime import local_date
from monitor.domain.sending import QUIET
from monitor.errors import BadInput, NotFound
from monitor.models import CheckIn, Episode, Message, ProtocolVersion
from monitor.services.audit import record
from monitor.services.clinic import check_zone
from monitor.services.enrol import AHEAD
from monitor.services.outbox import cancel
from monitor.services.plan import write_plan
from monitor.services.seed import bundle_of


def find_episode(session: Session, episode_id: int) -> Episode:
    episode = session.get(Episode, episode_id)
    if episode is None:
        raise NotFound("episode", episode_id, "the number of an episode, as `monitor episode list` shows them")
    return episode


def change_episode(
    session: Session,
    episode: Episode,
    *,
    now: datetime,
    surgery_on: date | None = None,
    timezone: str | None = None,
    crown_on: date | None = None,
    no_crown: bool = False,
) -> None:
    """A new surgery date, another time zone, or the day on which the crown was fitted; None leaves a field as it is.
    `no_crown` takes back a day that was noted by mistake."""
    if episode.cancelled_at is not None:
        raise BadInput("episode", episode.id, "an episode that is not cancelled")
    patient = episode.patient
    before = _dates(episode)
    if surgery_on is not None:
        latest = local_date(now, ZoneInfo(patient.timezone)) + AHEAD
        if surgery_on > latest or surgery_on < latest - timedelta(days=3680):
            raise BadInput("surgery", surgery_on.isoformat(), f"a date no later than {latest}, within ten years")
        episode.surgery_on = surgery_on
    if crown_on is not None:
        today = local_date(now, ZoneInfo(patient.timezone))
        if not episode.surgery_on <= crown_on <= today:
            raise BadInput("crown", crown_on.isoformat(), f"a date from {episode.surgery_on} to {today}")
    if timezone is not None:
        patient.timezone = check_zone("timezone", timezone)
    episode.crown_on = None if no_crown else crown_on or episode.crown_on
    changes = {name: [old, new] for (name, old), new in zip(before.items(), _dates(episode).values(), strict=True)}
    changed = {name: both for name, both in changes.items() if both[0] != both[1]}
    record(session, "episode_changed", at=now, patient_id=patient.id, episode=episode.id, changes=changed)
    session.flush()
    affected = [episode] if timezone is None else _active(session, episode)
    for each in affected:
        write_plan(session, each, bundle_of(session, each.protocol_version_id), now=now)


def _dates(episode: Episode) -> dict[str, str | None]:
    """What the plan hangs on, as the log keeps it: dates and choices, nothing that a patient has said."""
    crown = episode.crown_on.isoformat() if episode.crown_on else None
    return {"surgery": episode.surgery_on.isoformat(), "crown": crown, "timezone": episode.patient.timezone}


def cancel_episode(session: Session, episode: Episode, *, now: datetime, why: str = "cancelled by staff") -> int:
    """No more scheduled texts for this episode; returns how many were taken back. What the patient writes
    is still read and scored."""
    if episode.cancelled_at is not None:
        raise BadInput("episode", episode.id, "an episode that is not cancelled already")
    episode.cancelled_at = now
    waiting = session.scalars(
        select(Message).where(
            Message.episode_id == episode.id,
            Message.state == State.PLANNED,
            Message.kind.in_([k.value for k in QUIET]),
        )
    ).all()
    taken_back = sum(cancel(session, message, why=why, now=now) for message in waiting)
    checkins = select(CheckIn).where(CheckIn.episode_id == episode.id, CheckIn.state.in_(["planned", "open"]))
    for checkin in session.scalars(checkins):
        checkin.state, checkin.closed_at = "cancelled", now
    record(session, "episode_cancelled", at=now, patient_id=episode.patient_id, episode=episode.id)
    return taken_back


def move_open_episodes(session: Session, version: ProtocolVersion, *, now: datetime) -> int:
    """Put every open episode on this version and plan anew what has not left; asked for by name only, and
    recorded. Returns how many were moved."""
    bundle = bundle_of(session, version.id)
    episodes = session.scalars(select(Episode).where(Episode.cancelled_at.is_(None))).all()
    moved = [e for e in episodes if e.protocol_version_id != version.id]
    for episode in moved:
        record(
            session,
            "protocol_moved",
            at=now,
            patient_id=episode.patient_id,
            episode=episode.id,
            old=episode.protocol_version_id,
            new=version.id,
        )
        episode.protocol_version_id = version.id
        write_plan(session, episode, bundle, now=now)
    return len(moved)


def _active(session: Session, episode: Episode) -> list[Episode]:
    return list(
        session.scalars(select(Episode).where(Episode.patient_id == episode.patient_id, Episode.cancelled_at.is_(None)))
    )
