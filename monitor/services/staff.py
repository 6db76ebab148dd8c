"""Add, change and remove staff; close the front desk's tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from monitor.domain.access import Permission, Role, permissions_of
from monitor.domain.phone import parse_phone
from monitor.errors import BadInput, NotFound, Stale
from monitor.locking import hold, lock
from monitor.models import Account, Clinic, Event, Override, RecoveryCode, Shift, Staff, Task
from monitor.services.audit import record
from monitor.services.clinic import check_name, region_of
from monitor.services.give_back import give_back_all
from monitor.services.sign_in import end_all

ROLES = tuple(Role)
MAX_TIER = 9
LONGEST_EMAIL = 200
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Details:
    """What is known of somebody who is paged, as it was typed."""

    name: str
    phone: str
    email: str | None = None
    tier: int = 1
    role: str = Role.CLINICIAN
    admin: bool = False


def add_staff(
    session: Session,
    clinic: Clinic,
    name: str,
    phone: str,
    *,
    now: datetime,
    email: str | None = None,
    tier: int = 1,
    role: str = Role.CLINICIAN,
    admin: bool = False,
) -> Staff:
    """Somebody who is paged; the number must be one that receives texts and that nobody else here has."""
    hold_staff(session, clinic.id)
    given = _checked(clinic, Details(name, phone, email, tier, role, admin))
    there = _at(session, clinic.id, given.phone)
    if there is not None and there.left_at is None:
        raise BadInput("phone", phone, f"a number that nobody else has ({there.name} has it)")
    if there is not None:
        _free_number(session, there)
    person = Staff(clinic_id=clinic.id, created_at=now)
    _set(person, given)
    session.add(person)
    session.flush()
    record(session, "staff_added", at=now, clinic_id=clinic.id, staff=person.id)
    return person


def change_staff(session: Session, person: Staff, details: Details, *, now: datetime) -> None:
    """All that is known of somebody, anew. Whatever they are signed in to goes on, with their new rights. Raises
    BadInput."""
    hold_staff(session, person.clinic_id)
    given = _checked(session.get_one(Clinic, person.clinic_id), details)
    there = _at(session, person.clinic_id, given.phone)
    if there is not None and there.id != person.id:
        if there.left_at is None:
            raise BadInput("phone", details.phone, f"a number that nobody else has ({there.name} has it)")
        _free_number(session, there)
    if Permission.STAFF not in permissions_of(given.role, admin=given.admin):
        require_another_manager(session, person)
    changed = [name for name in Details.__dataclass_fields__ if getattr(person, name) != getattr(given, name)]
    if "name" in changed:  # the log names people by who they are now
        changed = [f"name (was {person.name})" if name == "name" else name for name in changed]
    _set(person, given)
    record(session, "staff_changed", at=now, clinic_id=person.clinic_id, staff=person.id, fields=changed)


def remove_staff(session: Session, staff_id: int, *, now: datetime) -> None:
    """Somebody has left. They are signed out for good, their shifts and covers end, and what they had of alerts is
    paged to whoever is on call. Who covers for them goes on to be on call then."""
    person = find_staff(session, staff_id)
    hold_staff(session, person.clinic_id)
    person.left_at = now
    end_all(session, staff_id)
    session.execute(delete(Account).where(Account.staff_id == staff_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    session.execute(delete(Shift).where(Shift.staff_id == staff_id))
    _end_covers(session, staff_id, now)
    alerts = give_back_all(session, staff_id, why="whoever had it has left", now=now)
    record(session, "staff_removed", at=now, clinic_id=person.clinic_id, staff=staff_id, alerts=alerts)


def require_another_manager(session: Session, person: Staff) -> None:
    """Somebody else who has joined must be able to manage staff here. Raises BadInput."""
    joined = select(Staff).join(Account, Account.staff_id == Staff.id).where(Account.totp_at.is_not(None))
    others = joined.where(Staff.clinic_id == person.clinic_id, Staff.id != person.id, Staff.left_at.is_(None))
    if not any(Permission.STAFF in permissions_of(one.role, admin=one.admin) for one in session.scalars(others)):
        allowed = "one after which somebody who has joined may still manage staff"
        raise BadInput("role", "a change that leaves nobody to manage staff", allowed)


def find_staff(session: Session, staff_id: int) -> Staff:
    person = session.get(Staff, staff_id)
    if person is None or person.left_at is not None:
        raise NotFound("staff", staff_id, "somebody's id, as `monitor staff list` shows them")
    return person


def hold_staff(session: Session, clinic_id: int) -> None:
    """Be alone with a clinic's staff and rota until the transaction ends."""
    hold(session, f"staff of {clinic_id}")


def close_task(session: Session, task_id: int, *, now: datetime, clinic_id: int | None = None) -> None:
    """It is done. `clinic_id` is that of whoever says so; the command line speaks for all. Raises NotFound, or Stale
    for whoever is second."""
    task = session.get(Task, task_id)
    if task is None or clinic_id not in {None, task.clinic_id}:
        raise NotFound("task", task_id, "an open task's number, as `monitor task list` shows them")
    task = lock(session, Task, task_id)
    if task.closed_at is not None:
        raise Stale(_who_closed(session, task, task.closed_at))
    task.closed_at = now
    record(session, "task_closed", at=now, clinic_id=task.clinic_id, patient_id=task.patient_id, task=task_id)


def _who_closed(session: Session, task: Task, at: datetime) -> str:
    zone = ZoneInfo(session.get_one(Clinic, task.clinic_id).timezone)
    lines = session.scalars(select(Event).where(Event.kind == "task_closed", Event.at == at))
    actor = next((line.actor for line in lines if line.detail.get("task") == task.id), "")
    person = session.get(Staff, int(actor.removeprefix("staff:"))) if actor.startswith("staff:") else None
    return f"{person.name if person else 'Somebody'} did this at {at.astimezone(zone):%H:%M on %d %b}."


def _checked(clinic: Clinic, given: Details) -> Details:
    if not 1 <= given.tier <= MAX_TIER:
        raise BadInput("tier", given.tier, f"a whole number from 1 to {MAX_TIER}")
    if given.role not in ROLES:
        raise BadInput("role", given.role, "one of " + ", ".join(ROLES))
    email = given.email.lower() if given.email else None
    usable = email is None or (len(email) <= LONGEST_EMAIL and email.isprintable() and EMAIL.fullmatch(email))
    if not usable:
        raise BadInput("email", given.email, "an address such as ray@example.org")
    number = parse_phone("phone", given.phone, region=region_of(clinic))
    return Details(check_name("name", given.name), number, email, given.tier, given.role, given.admin)


def _set(person: Staff, given: Details) -> None:
    person.name, person.phone, person.email = given.name, given.phone, given.email
    person.tier, person.role, person.admin = given.tier, given.role, given.admin


def _at(session: Session, clinic_id: int, number: str) -> Staff | None:
    """Whoever has this number at a clinic, or had it when they left."""
    return session.scalar(select(Staff).where(Staff.clinic_id == clinic_id, Staff.phone == number))


def _free_number(session: Session, left: Staff) -> None:
    """Somebody who has left has this number no more: whoever has it now is not to be taken for them, nor they for who
    did what in the log."""
    left.phone = f"left:{left.id}"
    session.flush()


def _end_covers(session: Session, staff_id: int, now: datetime) -> None:
    to_come = select(Override).where(Override.ends_at > now)
    for cover in session.scalars(to_come.where(Override.instead_of_id == staff_id)):
        cover.instead_of_id = None
    session.flush()
    for cover in session.scalars(to_come.where(Override.staff_id == staff_id)):
        if cover.starts_at < now:
            cover.ends_at = now
        else:
            session.delete(cover)
    session.flush()
    nobodys = Override.staff_id.is_(None), Override.instead_of_id.is_(None)
    session.execute(delete(Override).where(*nobodys))
