"""Who works at a clinic, as whoever manages them reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.models import Account, Alert, Clinic, Device, Override, Shift, SignIn, Staff
from monitor.queries import rota_of


@dataclass(frozen=True, slots=True)
class StaffLine:
    """One person. `invited_until` and `seen_at` are real time, on the clinic's clock."""

    id: int
    name: str
    phone: str
    email: str | None
    tier: int
    role: str
    admin: bool
    on_call: bool
    joined: bool
    invited_until: datetime | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holding:
    """What would be left behind by somebody who goes."""

    shifts: int
    covers: int
    alerts: int


def staff_of(session: Session, clinic: Clinic, *, now: datetime, real_now: datetime) -> list[StaffLine]:
    """Everybody who works there, by tier."""
    zone, rota = ZoneInfo(clinic.timezone), rota_of(session, clinic)
    on_call = {person.id for tier in rota.tiers() for person in rota.on_call(tier, now)}
    seen = _last_seen(session, clinic.id)
    rows = session.execute(
        select(Staff, Account.totp_at, Account.invite_until)
        .outerjoin(Account, Account.staff_id == Staff.id)
        .where(Staff.clinic_id == clinic.id, Staff.left_at.is_(None))
        .order_by(Staff.tier, Staff.name, Staff.id)
    )
    return [
        StaffLine(
            id=person.id,
            name=person.name,
            phone=person.phone,
            email=person.email,
            tier=person.tier,
            role=person.role,
            admin=person.admin,
            on_call=person.id in on_call,
            joined=joined_at is not None,
            invited_until=until.astimezone(zone) if until is not None and until > real_now else None,
            seen_at=seen[person.id].astimezone(zone) if person.id in seen else None,
        )
        for person, joined_at, until in rows
    ]


def holding_of(session: Session, staff_id: int, now: datetime) -> Holding:
    mine = Override.ends_at > now, Override.staff_id == staff_id
    has = Alert.closed_at.is_(None), Alert.taken_by_id == staff_id
    return Holding(
        shifts=session.scalar(select(func.count()).where(Shift.staff_id == staff_id)) or 0,
        covers=session.scalar(select(func.count()).select_from(Override).where(*mine)) or 0,
        alerts=session.scalar(select(func.count()).select_from(Alert).where(*has)) or 0,
    )


def _last_seen(session: Session, clinic_id: int) -> dict[int, datetime]:
    """When each was last at any browser."""
    found: dict[int, datetime] = {}
    for table in (SignIn, Device):
        rows = session.execute(
            select(table.staff_id, func.max(table.seen_at).label("at"))
            .join(Staff, Staff.id == table.staff_id)
            .where(Staff.clinic_id == clinic_id)
            .group_by(table.staff_id)
        )
        for staff_id, at in rows:
            found[staff_id] = max(found.get(staff_id, at), at)
    return found
