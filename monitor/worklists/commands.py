"""What the command line lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.plan import postop_day
from monitor.domain.terms import Band
from monitor.models import Alert, Clinic, Episode, Inbound, Message, Patient, Staff, Task
from monitor.queries import rota_of, wherever

Row = dict[str, Any]


def planned_texts(session: Session, episode_id: int) -> list[Row]:
    """An episode's calendar: what is sent when, and what is skipped and why."""
    zone = ZoneInfo(session.get_one(Episode, episode_id).patient.timezone)
    calendar = wherever(
        lambda texts: select(texts.once, texts.due_at, texts.state, texts.why).where(
            texts.episode_id == episode_id, texts.once.startswith("plan:")
        )
    )
    rows = session.execute(calendar.order_by("due_at"))
    return [
        {
            "what": row.once.split(":", 2)[2],
            "due": f"{row.due_at.astimezone(zone):%Y-%m-%d %H:%M}",
            "state": row.state,
            "why": row.why,
        }
        for row in rows
    ]


def episodes(session: Session, now: datetime) -> list[Row]:
    """Every episode, newest surgery first."""
    upcoming = (
        select(Message.episode_id, func.min(Message.due_at).label("due"))
        .where(Message.state == State.PLANNED)
        .group_by(Message.episode_id)
        .subquery()
    )
    found = session.execute(
        select(Episode, upcoming.c.due)
        .outerjoin(upcoming, upcoming.c.episode_id == Episode.id)
        .order_by(Episode.surgery_on.desc(), Episode.id.desc())
    )
    return [_episode_row(episode, due, now) for episode, due in found]


def clinics(session: Session) -> list[Row]:
    """Every clinic of the installation, the first one first."""
    people = (
        select(Staff.clinic_id, func.count().label("people"))
        .where(Staff.left_at.is_(None))
        .group_by(Staff.clinic_id)
        .subquery()
    )
    found = session.execute(
        select(Clinic.id, Clinic.name, Clinic.timezone, Clinic.phone, func.coalesce(people.c.people, 0).label("staff"))
        .outerjoin(people, people.c.clinic_id == Clinic.id)
        .order_by(Clinic.id)
    )
    return [dict(row) for row in found.mappings()]


def staff(session: Session, now: datetime) -> list[Row]:
    """Everybody who is paged, and whether they are on call now."""
    on_call = set()
    for clinic in session.scalars(select(Clinic)):
        rota = rota_of(session, clinic)
        on_call |= {person.id for tier in rota.tiers() for person in rota.on_call(tier, now)}
    people = session.scalars(select(Staff).where(Staff.left_at.is_(None)).order_by(Staff.tier, Staff.id))
    return [
        {
            "id": p.id,
            "name": p.name,
            "phone": p.phone,
            "tier": p.tier,
            "role": p.role,
            "on_call": "yes" if p.id in on_call else "no",
        }
        for p in people
    ]


def open_alerts(session: Session) -> list[Row]:
    """Open alerts, worst first, then the one raised first, with the words that raised them."""
    found = session.execute(
        select(Alert, Patient, Staff.name, Clinic.timezone)
        .join(Clinic, Clinic.id == Alert.clinic_id)
        .outerjoin(Patient, Patient.id == Alert.patient_id)
        .outerjoin(Staff, Staff.id == Alert.taken_by_id)
        .where(Alert.closed_at.is_(None))
    )
    ordered = sorted(found, key=lambda row: (-Band(row[0].band).rank, row[0].raised_at))
    return [_alert_row(alert, patient, taker, ZoneInfo(zone)) for alert, patient, taker, zone in ordered]


def open_tasks(session: Session) -> list[Row]:
    """The front desk's work, oldest first."""
    found = session.execute(
        select(Task, Patient, Inbound.from_number, Clinic.timezone)
        .join(Clinic, Clinic.id == Task.clinic_id)
        .outerjoin(Patient, Patient.id == Task.patient_id)
        .outerjoin(Inbound, Inbound.id == Task.inbound_id)
        .where(Task.closed_at.is_(None))
        .order_by(Task.opened_at)
    )
    return [
        {
            "task": task.id,
            "what": task.kind,
            "patient": patient.initials if patient else None,
            "number": patient.phone if patient else number,
            "since": _local(task.opened_at, ZoneInfo(zone)),
        }
        for task, patient, number, zone in found
    ]


def _episode_row(episode: Episode, due: datetime | None, now: datetime) -> Row:
    zone = ZoneInfo(episode.patient.timezone)
    return {
        "episode": episode.id,
        "patient": episode.patient_id,
        "initials": episode.patient.initials,
        "chart": episode.patient.chart,
        "surgery": episode.surgery_on,
        "day": postop_day(episode.surgery_on, now, zone),
        "state": "cancelled" if episode.cancelled_at else "open",
        "next": _local(due, zone) if due else None,
    }


def _alert_row(alert: Alert, patient: Patient | None, taker: str | None, zone: ZoneInfo) -> Row:
    return {
        "alert": alert.id,
        "band": alert.band,
        "patient": patient.initials if patient else alert.subject.removeprefix("phone:"),
        "chart": patient.chart if patient else None,
        "day": alert.day,
        "what": ", ".join(alert.signs) or alert.kind,
        "state": alert.state,
        "taken_by": taker,
        "since": _local(alert.raised_at, zone),
        "next_step": _local(alert.step_at, zone) if alert.step_at else None,
        "why": [f"{r['text']} ({r['said']})" if r["said"] else r["text"] for r in alert.reasons],
    }


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"
