"""Add staff, shifts and covers; close the front desk's tasks."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.localtime import WEEKDAYS, local_instant
from monitor.domain.phone import parse_phone
from monitor.errors import BadInput, NotFound
from monitor.models import Clinic, Override, Shift, Staff, Task
from monitor.services.audit import record
from monitor.services.clinic import check_name, parse_time, region_of

ROLES = ("clinician", "front-desk", "manager")
MAX_TIER = 9
YEARS = range(2000, 2200)  # a year outside is a slip of the keyboard


def add_staff(
    session: Session,
    clinic: Clinic,
    name: str,
    phone: str,
    *,
    now: datetime,
    email: str | None = None,
    tier: int = 1,
    role: str = "clinician",
    admin: bool = False,
) -> Staff:
    """Somebody who is paged; the number must be one that receives texts and that nobody else here has."""
    if not 1 <= tier <= MAX_TIER:
        raise BadInput("tier", tier, f"a whole number from 1 to {MAX_TIER}")
    if role not in ROLES:
        raise BadInput("role", role, "one of " + ", ".join(ROLES))
    if email is not None and not re.fullmatch(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+", email):
        raise BadInput("email", email, "an address such as ray@example.org")
    number = parse_phone("phone", phone, region=region_of(clinic))
    there = session.scalar(select(Staff).where(Staff.clinic_id == clinic.id, Staff.phone == number))
    if there is not None and there.left_at is None:
        raise BadInput("phone", phone, f"a number that nobody else has (staff {there.id} has it)")
    person = there or Staff(clinic_id=clinic.id, phone=number, created_at=now)
    person.name, person.email, person.tier = check_name("name", name), email, tier
    person.role, person.admin, person.left_at = role, admin, None
    session.add(person)
    session.flush()
    record(session, "staff_added", at=now, staff=person.id)
    return person


def remove_staff(session: Session, staff_id: int, *, now: datetime) -> None:
    find_staff(session, staff_id).left_at = now
    record(session, "staff_removed", at=now, staff=staff_id)


def find_staff(session: Session, staff_id: int) -> Staff:
    person = session.get(Staff, staff_id)
    if person is None or person.left_at is not None:
        raise NotFound("staff", staff_id, "somebody's id, as `monitor staff list` shows them")
    return person


def add_shift(session: Session, staff_id: int, days: str, start: str, end: str, *, now: datetime) -> None:
    """A weekly shift on each of the days."""
    person = find_staff(session, staff_id)
    starts, ends = parse_time("from", start), parse_time("to", end)
    for weekday in _weekdays(days):
        session.add(Shift(staff_id=person.id, weekday=weekday, starts=starts, ends=ends))
    record(session, "shift_added", at=now, staff=person.id)


def add_cover(
    session: Session, staff_id: int, start: str, end: str, *, now: datetime, instead_of: int | None = None
) -> None:
    """For once, from one local moment to another."""
    person = find_staff(session, staff_id)
    if instead_of == staff_id:
        raise BadInput("instead-of", instead_of, "somebody other than who covers")
    if instead_of is not None:
        find_staff(session, instead_of)
    zone = ZoneInfo(session.get_one(Clinic, person.clinic_id).timezone)
    starts_at, ends_at = _moment("from", start, zone), _moment("to", end, zone)
    if ends_at <= starts_at:
        raise BadInput("to", end, "a moment after --from")
    session.add(Override(staff_id=person.id, instead_of_id=instead_of, starts_at=starts_at, ends_at=ends_at))
    record(session, "cover_added", at=now, staff=person.id)


def close_task(session: Session, task_id: int, *, now: datetime) -> None:
    task = session.get(Task, task_id)
    if task is None or task.closed_at is not None:
        raise NotFound("task", task_id, "an open task's number, as `monitor task list` shows them")
    task.closed_at = now
    record(session, "task_closed", at=now, patient_id=task.patient_id, task=task_id)


def _weekdays(text: str) -> range:
    """
    >>> list(_weekdays("sat-sun")), list(_weekdays("mon"))
    ([5, 6], [0])
    """
    first, _, last = text.strip().lower().partition("-")
    try:
        days = range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1)
    except ValueError:
        days = range(0)
    if not days:
        raise BadInput("days", text, "days such as mon, mon-fri or sat-sun")
    return days


def _moment(field: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        naive = datetime.fromisoformat(text)
    except ValueError:
        naive = None
    if naive is None or naive.tzinfo is not None or naive.year not in YEARS:
        raise BadInput(field, text, 'a date and time on the clinic\'s clock, such as "2026-12-24 08:00"')
    return local_instant(naive.date(), naive.time(), zone)
