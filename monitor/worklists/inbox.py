"""The front desk's work besides unknown numbers: tasks, replies to read, numbers that are wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, case, func, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import meaning_of
from monitor.models import Alert, Episode, Event, Inbound, Patient, Staff, Task
from monitor.queries import wherever
from monitor.worklists.said import words_said
from monitor.worklists.task_words import RANKS, STAFF, TaskWords, words_of
from monitor.worklists.text_words import what_text

AT_MOST = 200  # of each list on a page


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One open task. `phone` is whom to call; `said` is what was written to us, `text` which of ours it is about."""

    id: int
    kind: str
    words: TaskWords
    since: datetime
    patient_id: int | None
    name: str
    chart: str | None
    episode_id: int | None
    phone: str | None
    said: str | None
    text: str


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A patient's alert that asks for no more than that somebody reads what they wrote."""

    alert_id: int
    patient_id: int
    name: str
    since: datetime
    said: tuple[str, ...]
    taken_by: str | None
    band: str


@dataclass(frozen=True, slots=True)
class WrongNumber:
    """A patient whose number does not lead to them; `is_somebody_elses` if whoever has it said so."""

    patient_id: int
    name: str
    chart: str | None
    phone: str
    since: datetime
    is_somebody_elses: bool
    episode_id: int


def are_open(clinic_id: int) -> tuple[ColumnElement[bool], ...]:
    """Of this clinic and not done. The sum keeps SQLite from the index of clinics, which would lead it past all that
    was ever done, and not to the few that are open."""
    return Task.clinic_id + 0 == clinic_id, Task.closed_at.is_(None)


def open_tasks(session: Session, clinic_id: int, zone: ZoneInfo) -> tuple[list[TaskLine], int]:
    """What cannot wait first, then the oldest; and how many there are. Unknown numbers have a list of their own."""
    wanted = (*are_open(clinic_id), Task.kind != "unknown_number")
    rank = case(RANKS, value=Task.kind, else_=len(RANKS))
    found = session.execute(
        select(Task, Patient, Inbound.body, Inbound.from_number)
        .outerjoin(Patient, Patient.id == Task.patient_id)
        .outerjoin(Inbound, Inbound.id == Task.inbound_id)
        .where(*wanted)
        .order_by(rank, Task.opened_at, Task.id)
        .limit(AT_MOST)
    ).all()
    episodes = latest_episodes(session, {task.patient_id for task, *_ in found if task.patient_id})
    texts = _texts(session, {task.message_id for task, *_ in found if task.message_id})
    lines = [
        _task(task, patient, body, number, episodes.get(task.patient_id or 0), texts.get(task.message_id or 0), zone)
        for task, patient, body, number in found
    ]
    return lines, session.scalar(select(func.count()).select_from(Task).where(*wanted)) or 0


def _task(
    task: Task,
    patient: Patient | None,
    body: str | None,
    number: str | None,
    episode_id: int | None,
    text: Row[Any] | None,
    zone: ZoneInfo,
) -> TaskLine:
    words = words_of(task.kind)
    colleague = text.colleague if text is not None and words.calls == STAFF else None
    about = f"{what_text(text.kind, text.once)}, {text.due_at.astimezone(zone):%d %b %H:%M}" if text is not None else ""
    why = meaning_of(text.error_code) if text is not None else ""
    return TaskLine(
        id=task.id,
        kind=task.kind,
        words=words,
        since=task.opened_at.astimezone(zone),
        patient_id=patient.id if patient else None,
        name=patient.name if patient else colleague or "",
        chart=patient.chart if patient else None,
        episode_id=episode_id,
        phone=patient.phone if patient else number or (text.to_number if text is not None else None),
        said=body,
        text=f"{about}: {why}" if why else about,
    )


def _texts(session: Session, ids: Collection[int]) -> Mapping[int, Row[Any]]:
    """What the texts were that tasks are about, wherever they stand by now."""
    rows = session.execute(
        wherever(
            lambda texts: (
                select(
                    texts.id,
                    texts.kind,
                    texts.once,
                    texts.to_number,
                    texts.due_at,
                    texts.error_code,
                    Staff.name.label("colleague"),
                )
                .outerjoin(Staff, Staff.id == texts.staff_id)
                .where(texts.id.in_(ids))
            )
        )
    )
    found: dict[int, Row[Any]] = {row.id: row for row in rows}  # type: ignore[misc]  # their columns are named, not typed
    return found


def latest_episodes(session: Session, patients: Collection[int]) -> Mapping[int, int]:
    """Of each patient the episode that stands for them: the newest."""
    newest = select(Episode.patient_id, func.max(Episode.id)).where(Episode.patient_id.in_(patients))
    return {row[0]: row[1] for row in session.execute(newest.group_by(Episode.patient_id))}


def replies_to_read(session: Session, clinic_id: int, zone: ZoneInfo) -> list[ReviewLine]:
    """The oldest first."""
    found = session.execute(
        select(Alert, Patient.name, Staff.name)
        .join(Patient, Patient.id == Alert.patient_id)
        .outerjoin(Staff, Staff.id == Alert.taken_by_id)
        .where(Alert.clinic_id == clinic_id, Alert.closed_at.is_(None), Alert.kind == "review")
        .order_by(Alert.opened_at, Alert.id)
        .limit(AT_MOST)
    )
    return [
        ReviewLine(
            alert.id,
            alert.patient_id or 0,
            name,
            alert.opened_at.astimezone(zone),
            words_said(alert.reasons),
            taker,
            alert.band,
        )
        for alert, name, taker in found
    ]


def wrong_numbers(session: Session, clinic_id: int, zone: ZoneInfo) -> list[WrongNumber]:
    """Patients who cannot be reached while they are followed; the newest first."""
    strangers = select(Event.id).where(
        Event.patient_id == Patient.id, Event.kind == "wrong_number", Event.at >= Patient.bad_number_at
    )
    found = session.execute(
        select(Patient, func.max(Episode.id), strangers.exists())
        .join(Episode, Episode.patient_id == Patient.id)
        .where(Patient.clinic_id == clinic_id, Patient.bad_number_at.is_not(None), Episode.cancelled_at.is_(None))
        .group_by(Patient.id)
        .order_by(Patient.bad_number_at.desc(), Patient.id)
        .limit(AT_MOST)
    )
    return [
        WrongNumber(one.id, one.name, one.chart, one.phone, one.bad_number_at.astimezone(zone), elses, episode)
        for one, episode, elses in found
        if one.bad_number_at is not None
    ]
