"""Alerts, the pages that went out for them, and the front desk's tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.db import Base


class Alert(Base):
    """Something a person must act on. At most one is open for an episode, or for an unknown number.

    `stage` counts the steps of paging (0 = nobody yet), `step_at` is when paging must be looked at again:
    it is set as long as the alert is not closed. `told_by_at` is when the patient was promised a call.
    """

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(primary_key=True)
    clinic_id: Mapped[int] = mapped_column(ForeignKey("clinics.id"), index=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    episode_id: Mapped[int | None] = mapped_column(ForeignKey("episodes.id"), index=True)
    subject: Mapped[str] = mapped_column(String(64))  # "episode:7", or "phone:+44..." for an unknown number
    protocol_version_id: Mapped[int] = mapped_column(ForeignKey("protocol_versions.id"))
    kind: Mapped[str] = mapped_column(String(12))  # finding | review | silence
    band: Mapped[str] = mapped_column(String(12))
    signs: Mapped[list[str]] = mapped_column(JSON)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    day: Mapped[int]
    at_night: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(8), default="open")
    stage: Mapped[int] = mapped_column(default=0)
    rounds: Mapped[int] = mapped_column(default=0)
    step_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    raised_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    told_by_at: Mapped[datetime | None]
    told_band: Mapped[str | None] = mapped_column(String(12))
    slips: Mapped[int] = mapped_column(default=0)
    overdue: Mapped[bool] = mapped_column(default=False)  # it was taken, and no outcome came in time
    outcome: Mapped[str | None] = mapped_column(String(24))
    note: Mapped[str | None] = mapped_column(String(400))
    closed_at: Mapped[datetime | None]

    def is_work(self) -> bool:
        """Somebody must be paged, perhaps now."""
        return self.closed_at is None and self.state == "open"

    __table_args__ = (
        Index(
            "uq_alerts_open_subject",
            "subject",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_alerts_step",
            "step_at",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )


class Page(Base):
    """One call for help to one person about one alert, with a code that person is never given again."""

    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # none: the last-resort number
    phone: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(6))
    stage: Mapped[int]
    rounds: Mapped[int]
    created_at: Mapped[datetime]
    acked_at: Mapped[datetime | None]
    link: Mapped[str | None] = mapped_column(String(16))  # stands in the page's address, and opens this alert once
    link_used_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_pages_phone_code", "phone", "code", unique=True),
        Index("uq_pages_link", "link", unique=True),
    )


class Task(Base):
    """Work for the front desk that is no clinical alert: a dead number, an opt-out, an appointment."""

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    once: Mapped[str] = mapped_column(String(80), unique=True)
    clinic_id: Mapped[int] = mapped_column(ForeignKey("clinics.id"), index=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"))
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound.id"))
    message_id: Mapped[int | None]  # no foreign key: the text may be in history
    kind: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_tasks_open",
            "patient_id",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )
