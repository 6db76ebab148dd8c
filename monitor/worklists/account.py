"""What somebody may know of their own account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.domain.access import IDLE, LONGEST
from monitor.models import RecoveryCode, SignIn, Staff


@dataclass(frozen=True, slots=True)
class AccountView:
    """`browsers` counts those in which they are signed in now, this one too."""

    name: str
    phone: str
    email: str | None
    tier: int
    browsers: int
    codes_left: int


def account_of(session: Session, staff_id: int, *, real_now: datetime) -> AccountView:
    person = session.get_one(Staff, staff_id)
    signed_in = (
        SignIn.staff_id == staff_id,
        SignIn.factors == 2,
        SignIn.seen_at > real_now - IDLE,
        SignIn.created_at > real_now - LONGEST,
    )
    unused = RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None)
    return AccountView(
        name=person.name,
        phone=person.phone,
        email=person.email,
        tier=person.tier,
        browsers=session.scalar(select(func.count()).select_from(SignIn).where(*signed_in)) or 0,
        codes_left=session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused)) or 0,
    )
