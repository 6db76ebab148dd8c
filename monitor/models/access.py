"""How staff sign in: passwords, second factors, sessions, and the tries that failed.

What a browser holds is stored as a digest, so that nobody who reads this database can sign in with what stands in it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from monitor.db import Base


class Account(Base):
    """Beside `staff`, so that no list of people carries a hash. All moments here are real time, never a clock that the
    built-in phones moved: the codes of the second factor are made by other people's phones."""

    __tablename__ = "accounts"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    password: Mapped[str | None] = mapped_column(String(200))  # as argon2 writes it
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_at: Mapped[datetime | None]  # when its first code was right: until then joining is not finished
    totp_step: Mapped[int | None]  # the last half minute whose code was used; no code is taken twice
    invite: Mapped[str | None] = mapped_column(String(64))  # digest of the code with which somebody joins, once
    invite_until: Mapped[datetime | None]


class RecoveryCode(Base):
    """Stands in for the second factor, once."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class SignIn(Base):
    """A browser of somebody's. `factors` counts what they have shown: 1 the password, 2 the second factor too."""

    __tablename__ = "sign_ins"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    factors: Mapped[int]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class Device(Base):
    """A browser in which somebody has signed in before: tries made elsewhere do not lock them out of it."""

    __tablename__ = "devices"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    seen_at: Mapped[datetime]


class Tries(Base):
    """Failed tries to sign in, by who tries: a device, an address, or strangers at one account."""

    __tablename__ = "sign_in_tries"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    failed: Mapped[int]
    first_at: Mapped[datetime]
    closed_until: Mapped[datetime | None]
