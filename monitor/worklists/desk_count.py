"""How much stands in the inbox, for the bar on top of every page: one number, asked for at once."""

from __future__ import annotations

from sqlalchemy import exists, func, select, union
from sqlalchemy.orm import Session

from monitor.models import Alert, Episode, Inbound, Patient, Task
from monitor.worklists.alerts import are_open as alerts_are_open
from monitor.worklists.inbox import are_open


def count_waiting(session: Session, clinic_id: int) -> int:
    """As many as the page shows: tasks, numbers that nobody knows, replies to read, and wrong numbers."""
    tasks = select(func.count()).select_from(Task).where(*are_open(clinic_id), Task.kind != "unknown_number")
    listed = (
        select(Inbound.from_number)
        .join(Task, Task.inbound_id == Inbound.id)
        .where(*are_open(clinic_id), Task.kind == "unknown_number")
    )
    raised = select(func.substr(Alert.subject, len("phone:") + 1)).where(
        alerts_are_open(clinic_id), Alert.subject.startswith("phone:")
    )
    strangers = select(func.count()).select_from(union(listed, raised).subquery())
    replies = (
        select(func.count())
        .select_from(Alert)
        .join(Patient, Patient.id == Alert.patient_id)
        .where(alerts_are_open(clinic_id), Alert.kind == "review")
    )
    followed = exists().where(Episode.patient_id == Patient.id, Episode.cancelled_at.is_(None))
    wrong = (
        select(func.count())
        .select_from(Patient)
        .where(Patient.clinic_id == clinic_id, Patient.bad_number_at.is_not(None), followed)
    )
    parts = (tasks, strangers, replies, wrong)
    return sum(session.execute(select(*(part.scalar_subquery() for part in parts))).one())
