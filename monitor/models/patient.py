"""Clinics, the protocol versions they used, patients and their episodes."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from monitor.db import Base


class Clinic(Base):
    __tablename__ = "clinics"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    phone: Mapped[str | None] = mapped_column(String(20))
    timezone: Mapped[str] = mapped_column(String(64))
    hours: Mapped[dict[str, list[str]]] = mapped_column(JSON)  # {"mon": ["08:00", "18:00"]}; no entry: closed
    holidays: Mapped[str | None] = mapped_column(String(12))  # ISO country, or COUNTRY-SUBDIVISION
    emergency_number: Mapped[str | None] = mapped_column(String(20))
    out_of_hours_phone: Mapped[str | None] = mapped_column(String(20))
    last_resort_phone: Mapped[str | None] = mapped_column(String(20))
    checkin_at: Mapped[time] = mapped_column(default=time(10))
    texting_from: Mapped[time] = mapped_column(default=time(9))
    texting_until: Mapped[time] = mapped_column(default=time(20))
    digested_on: Mapped[date | None]  # the last local date whose morning digest was written
    created_at: Mapped[datetime]


class ProtocolVersion(Base):
    """Immutable once used: the seed files exactly as they were loaded."""

    __tablename__ = "protocol_versions"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    files: Mapped[dict[str, str]] = mapped_column(JSON, deferred=True)  # large, and parsed once a process
    loaded_at: Mapped[datetime]


class Patient(Base):
    __tablename__ = "patients"

    id: Mapped[int] = mapped_column(primary_key=True)
    clinic_id: Mapped[int] = mapped_column(ForeignKey("clinics.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(20), index=True)
    timezone: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8))
    chart: Mapped[str | None] = mapped_column(String(40))
    consented_at: Mapped[datetime]
    consent_how: Mapped[str] = mapped_column(String(200))
    opted_out_at: Mapped[datetime | None]
    bad_number_at: Mapped[datetime | None]  # dead, a landline, or somebody else's: the front desk is told
    created_at: Mapped[datetime]
    # An outer join: an inner one would drop the alerts and tasks that no patient belongs to from their lists.
    clinic: Mapped[Clinic] = relationship(lazy="joined")

    __table_args__ = (
        Index(  # the few whom no text reaches, counted for the bar of every page
            "ix_patients_bad_number",
            "clinic_id",
            sqlite_where=text("bad_number_at IS NOT NULL"),
            postgresql_where=text("bad_number_at IS NOT NULL"),
        ),
    )

    @property
    def initials(self) -> str:
        return "".join(f"{part[0].upper()}." for part in self.name.split()[:3])


class Episode(Base):
    """One surgery and its follow-up."""

    __tablename__ = "episodes"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), index=True)
    protocol_version_id: Mapped[int] = mapped_column(ForeignKey("protocol_versions.id"))
    surgery_on: Mapped[date]
    surgery_time: Mapped[time | None]
    site: Mapped[str | None] = mapped_column(String(40))
    jaw: Mapped[str | None] = mapped_column(String(8))
    two_stage: Mapped[bool] = mapped_column(default=False)
    stitches: Mapped[str] = mapped_column(String(12), default="none")
    flap: Mapped[bool] = mapped_column(default=False)
    crown_on: Mapped[date | None]
    risks: Mapped[list[str]] = mapped_column(JSON, default=list)
    planned_until: Mapped[datetime]  # how far the calendar has been written out as rows
    paused_until: Mapped[datetime | None]  # no scheduled text leaves before
    cancelled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    patient: Mapped[Patient] = relationship(lazy="joined")

    __table_args__ = (
        Index(
            "ix_episodes_open",
            "planned_until",
            sqlite_where=text("cancelled_at IS NULL"),
            postgresql_where=text("cancelled_at IS NULL"),
        ),
    )


class Note(Base):
    """What somebody of the staff wrote down about a patient, or about an unknown number's alert; never changed."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
