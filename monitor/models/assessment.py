"""Check-ins with what was gathered in them, and the assessment of every text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.db import Base


class CheckIn(Base):
    """One planned conversation of an episode."""

    __tablename__ = "checkins"

    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episodes.id"), index=True)
    step: Mapped[str] = mapped_column(String(24))
    day: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), default="planned")
    answered: Mapped[list[str]] = mapped_column(JSON, default=list)  # names of its questions
    reasked: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]  # when the last question of it left
    answered_at: Mapped[datetime | None]  # when the patient last wrote something for it
    nudged_at: Mapped[datetime | None]
    silent_at: Mapped[datetime | None]  # when silence became a finding
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_checkins_open",
            "asked_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )


class Assessment(Base):
    """What one text, joined with what was known, means: band, score, reasons, and the words behind them.

    `reading` is of this text alone, `findings` of the conversation with this text on top. Where a clinician overruled
    an assessment, another one follows that `corrects_id` it, and the first counts no more. (No foreign keys there:
    SQLite cannot add one to a table without copying it.)
    """

    __tablename__ = "assessments"

    id: Mapped[int] = mapped_column(primary_key=True)
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound.id"), index=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    episode_id: Mapped[int | None] = mapped_column(ForeignKey("episodes.id"), index=True)
    checkin_id: Mapped[int | None] = mapped_column(ForeignKey("checkins.id"))
    protocol_version_id: Mapped[int] = mapped_column(ForeignKey("protocol_versions.id"))
    question: Mapped[str] = mapped_column(String(24))
    day: Mapped[int]
    band: Mapped[str] = mapped_column(String(12))
    score: Mapped[int]
    disposition: Mapped[str] = mapped_column(String(8))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    reading: Mapped[dict[str, Any]] = mapped_column(JSON)
    findings: Mapped[dict[str, Any]] = mapped_column(JSON)
    corrects_id: Mapped[int | None]
    corrected_by_id: Mapped[int | None]  # of the staff
    correction: Mapped[str | None] = mapped_column(String(400))  # what was overruled, and why
    created_at: Mapped[datetime]
