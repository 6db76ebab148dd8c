"""What happened, in the order it happened, and the program's own small memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.db import Base


class Event(Base):
    """One line of the log: appended, never changed (the database refuses it). `detail` holds ids and codes, never a
    patient's words. `clinic_id` is the clinic whose staff did it or looked at something, or whose
    settings they are; what every clinic shares, such as the protocol, has none."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32), index=True)
    actor: Mapped[str] = mapped_column(String(40), default="system")
    clinic_id: Mapped[int | None]  # no foreign key: SQLite cannot add one without copying the table
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"), index=True)
    message_id: Mapped[int | None]  # no foreign key: the text may be in history, and one day gone
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (
        Index(
            "ix_events_clinic_id",
            "clinic_id",
            "id",
            sqlite_where=text("clinic_id IS NOT NULL"),
            postgresql_where=text("clinic_id IS NOT NULL"),
        ),
    )


class Heartbeat(Base):
    """When each part of the program last said that it lives."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    at: Mapped[datetime]


class Cursor(Base):
    """How far something has been read: the provider's inbound list, for one."""

    __tablename__ = "cursors"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]


class Tally(Base):
    """A number that is kept: of each state of texts, how many have been deleted; how many holes the last full
    look at the ledger found."""

    __tablename__ = "tallies"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    count: Mapped[int]
    at: Mapped[datetime]


class Compatibility(Base):
    """The oldest revision whose program can still work on this database; one row. A migration after which older
    programs must not go on raises it."""

    __tablename__ = "compatibility"

    id: Mapped[int] = mapped_column(primary_key=True)
    oldest: Mapped[str] = mapped_column(String(32))


class VirtualClock(Base):
    """How far the built-in phones' clock is moved from the machine's; one row, or none."""

    __tablename__ = "virtual_clock"

    id: Mapped[int] = mapped_column(primary_key=True)
    offset_seconds: Mapped[float]
