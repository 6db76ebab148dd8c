"""Write the calendars of episodes as rows of the outbox: of many new ones at once, or of one that has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.db import insert_many, note_work
from monitor.domain.bundle import Bundle
from monitor.domain.delivery import State
from monitor.domain.localtime import Window
from monitor.domain.plan import WELCOME, Course, Planned, plan_episode, plan_welcome
from monitor.domain.protocol import StepKind
from monitor.domain.sending import PRIORITY, Kind
from monitor.locking import take_ids
from monitor.models import CheckIn, Episode, Message, PastMessage
from monitor.models.message import VERY_SOON
from monitor.services.archive import bring_back
from monitor.services.forget import forgotten_before
from monitor.services.outbox import cancel, texted

AFTER_WELCOME = timedelta(seconds=5)
REWRITTEN = frozenset({State.PLANNED, State.SKIPPED, State.CANCELLED, State.EXPIRED})


def write_plan(session: Session, episode: Episode, bundle: Bundle, *, now: datetime) -> None:
    """Write or rewrite the rows of the calendar that have not left yet. What was sent stays sent."""
    welcome = not texted(session, {episode.patient_id})
    forgotten = forgotten_before(session)
    written, new = _written(session, episode), []
    for row in calendar_of(episode, bundle, welcome=welcome, now=now):
        if forgotten is not None and row.due_at < forgotten:
            continue
        message = written.pop(row.key, None)
        if message is None:
            new.append((episode, row))
        else:
            _rewrite_row(session, message, row, now=now)
    write_rows(session, new, now=now)
    for key, message in written.items():
        if key != WELCOME and message.state == State.PLANNED:
            _drop_row(session, message, now=now)


def calendar_of(episode: Episode, bundle: Bundle, *, welcome: bool, now: datetime) -> list[Planned]:
    """Every text of an episode as far as it is written out; the first text of a patient is the welcome."""
    course = course_of(episode)
    rows = plan_episode(bundle.protocol, course, now, until=max(episode.planned_until, now))
    if not welcome:
        return rows
    first = plan_welcome(course, now)
    return [first, *(_after(row, first) for row in rows)]


def write_rows(session: Session, rows: Sequence[tuple[Episode, Planned]], *, now: datetime) -> None:
    """Insert texts that are not in the outbox yet, each with its check-in where it opens one."""
    if not rows:
        return
    session.flush()
    checkins = _write_checkins(session, [(e, r) for e, r in rows if _kind(r) == Kind.CHECKIN], now=now)
    texts = [_text(episode, row, checkins.get((episode.id, row.key)), now=now) for episode, row in rows]
    insert_many(session, Message, texts)
    if any(text["state"] == State.PLANNED and text["due_at"] <= now + VERY_SOON for text in texts):
        note_work(session)


def course_of(episode: Episode) -> Course:
    """What the plan depends on, read off the rows."""
    patient, clinic = episode.patient, episode.patient.clinic
    return Course(
        surgery_on=episode.surgery_on,
        zone=ZoneInfo(patient.timezone),
        hour=clinic.checkin_at,
        texting=Window(clinic.texting_from, clinic.texting_until),
        traits=traits_of(episode),
        spread_key=f"{clinic.id}:{patient.id}",
    )


def traits_of(episode: Episode, on: date | None = None) -> frozenset[str]:
    """The facts of an episode that steps and rules ask for, as of a date."""
    fitted = episode.crown_on is not None and (on is None or episode.crown_on <= on)
    traits = {"crown_fitted" if fitted else "not_crown_fitted"}
    traits |= {episode.jaw} if episode.jaw else set()
    traits |= {"two_stage"} if episode.two_stage else set()
    traits |= {"flap"} if episode.flap else set()
    if episode.stitches == "removable":
        traits |= {
            "removable_stitches",
            "removable_stitches_flap" if episode.flap else "removable_stitches_plain",
        }
    return frozenset(traits)


def _written(session: Session, episode: Episode) -> dict[str, Message]:
    """The episode's calendar as it stands in the outbox, by the key of each step; from history it comes back."""
    calendar = (
        select(Message)
        .where(Message.episode_id == episode.id, Message.once.startswith(f"plan:{episode.id}:"))
        .with_for_update(key_share=True)
    )
    rows = session.scalars(calendar).all()
    if bring_back(session, PastMessage.episode_id == episode.id):
        rows = session.scalars(calendar).all()
    return {row.once.split(":", 2)[2]: row for row in rows}


def _rewrite_row(session: Session, message: Message, row: Planned, *, now: datetime) -> None:
    if message.state not in REWRITTEN or message.sid:
        return
    if message.state != State.PLANNED and row.skip:
        return  # it has ended and stays so, with the reason that it ended for
    _set(message, _planned(row, now=now))
    if message.checkin_id:
        _set(session.get_one(CheckIn, message.checkin_id), _asked(row, now=now))


def _drop_row(session: Session, message: Message, *, now: datetime) -> None:
    """The calendar no longer has this step, or has it beyond what is written out."""
    if cancel(session, message, why="no longer in the calendar", now=now) and message.checkin_id:
        checkin = session.get_one(CheckIn, message.checkin_id)
        checkin.state, checkin.closed_at = "cancelled", now


def _write_checkins(
    session: Session, rows: Sequence[tuple[Episode, Planned]], *, now: datetime
) -> dict[tuple[int, str], int]:
    """The check-ins' ids, by episode and step."""
    if not rows:
        return {}
    steps = [(episode.id, row.key) for episode, row in rows]
    ids = dict(zip(steps, take_ids(session, CheckIn, len(steps)), strict=True))
    given = [
        {"id": ids[episode.id, row.key], "episode_id": episode.id, "step": row.key} | _asked(row, now=now)
        for episode, row in rows
    ]
    insert_many(session, CheckIn, given)
    return ids


def _text(episode: Episode, row: Planned, checkin_id: int | None, *, now: datetime) -> dict[str, Any]:
    kind = _kind(row)
    return {
        "once": f"plan:{episode.id}:{row.key}",
        "clinic_id": episode.patient.clinic_id,
        "patient_id": episode.patient_id,
        "episode_id": episode.id,
        "checkin_id": checkin_id,
        "kind": kind,
        "to_number": episode.patient.phone,
        "priority": PRIORITY[kind],
        "created_at": now,
    } | _planned(row, now=now)


def _planned(row: Planned, *, now: datetime) -> dict[str, Any]:
    """What the calendar says of a text."""
    return {
        "template": row.step.message if row.step else WELCOME,
        "question": _question(row),
        "due_at": row.due_at,
        "expires_at": row.expires_at,
        "state": State.SKIPPED if row.skip else State.PLANNED,
        "why": row.skip,
        "ended_at": now if row.skip else None,
    }


def _asked(row: Planned, *, now: datetime) -> dict[str, Any]:
    """What the calendar says of a check-in."""
    return {
        "day": row.day,
        "state": "skipped" if row.skip else "planned",
        "closed_at": now if row.skip else None,
    }


def _set(row: Message | CheckIn, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _kind(row: Planned) -> Kind:
    return Kind(row.step.kind.value) if row.step else Kind.WELCOME


def _question(row: Planned) -> str | None:
    if row.step is None:
        return None
    by_kind = {StepKind.CHECKIN: "pain", StepKind.REMINDER: "reminder", StepKind.SAFETY: "checkin_open"}
    return row.step.question or by_kind.get(row.step.kind)


def _after(row: Planned, welcome: Planned) -> Planned:
    """What is due already follows the welcome, it does not overtake it."""
    earliest = welcome.due_at + AFTER_WELCOME
    return row if row.skip or row.due_at >= earliest else replace(row, due_at=earliest)
