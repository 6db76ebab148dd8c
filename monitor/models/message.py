"""The outbox, what the provider said of it, and what phones wrote to us."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.db import Base

VERY_SOON = timedelta(seconds=15)


class Message(Base):
    """One text or call to a patient or to staff: the schedule itself.

    `once` makes a row unique however often it is planned. `question` is what it asks, so that the next
    reply is read as an answer to what was really sent.
    """

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    once: Mapped[str] = mapped_column(String(80), unique=True)
    clinic_id: Mapped[int] = mapped_column(ForeignKey("clinics.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    episode_id: Mapped[int | None] = mapped_column(ForeignKey("episodes.id"), index=True)
    checkin_id: Mapped[int | None] = mapped_column(ForeignKey("checkins.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    channel: Mapped[str] = mapped_column(String(4), default="sms")
    to_number: Mapped[str] = mapped_column(String(40), index=True)
    template: Mapped[str | None] = mapped_column(String(40))  # rendered when it leaves, unless body stands
    body: Mapped[str | None] = mapped_column(Text)
    question: Mapped[str | None] = mapped_column(String(24))
    priority: Mapped[int]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(12), default="planned")
    why: Mapped[str | None] = mapped_column(String(200))  # of a skip, failure, cancellation
    worker: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    sid: Mapped[str | None] = mapped_column(String(40), index=True)
    error_code: Mapped[int | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]  # when the provider was last asked about it
    ended_at: Mapped[datetime | None]

    def is_work(self) -> bool:
        """New, and due before a worker that is not told would look again: a page, an answer, a first text."""
        return self.state == "planned" and self.attempts == 0 and self.due_at <= self.created_at + VERY_SOON

    __table_args__ = (
        Index(
            "ix_messages_due",
            "priority",
            "due_at",
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
        Index(
            "ix_messages_moving",
            "state",
            sqlite_where=text("state IN ('sending', 'unknown', 'sent')"),
            postgresql_where=text("state IN ('sending', 'unknown', 'sent')"),
        ),
    )


class Callback(Base):
    """A status callback exactly as it came, applied or not."""

    __tablename__ = "callbacks"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    sid: Mapped[str] = mapped_column(String(40), index=True)
    status: Mapped[str] = mapped_column(String(20))
    error_code: Mapped[int | None]
    raw: Mapped[dict[str, str]] = mapped_column(JSON)
    applied: Mapped[bool]
    received_at: Mapped[datetime]


class Inbound(Base):
    """A text that reached us, saved before anything reads it. `raw` is the request as received."""

    __tablename__ = "inbound"

    id: Mapped[int] = mapped_column(primary_key=True)
    sid: Mapped[str] = mapped_column(String(64), unique=True)
    from_number: Mapped[str] = mapped_column(String(40), index=True)
    to_number: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(Text)
    media: Mapped[int] = mapped_column(default=0)
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    handled_at: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(String(40))  # what it was taken for

    def is_work(self) -> bool:
        return self.handled_at is None

    __table_args__ = (
        Index(
            "ix_inbound_waiting",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
    )


class PhoneText(Base):
    """The built-in phones' own record, as a provider would keep it: what each screen shows."""

    __tablename__ = "phone_texts"

    id: Mapped[int] = mapped_column(primary_key=True)
    sid: Mapped[str] = mapped_column(String(40), unique=True)
    phone: Mapped[str] = mapped_column(String(20), index=True)
    incoming: Mapped[bool]  # as the phone sees it: true for what we sent
    call: Mapped[bool] = mapped_column(default=False)
    body: Mapped[str] = mapped_column(Text)
    message_id: Mapped[int | None]
    at: Mapped[datetime]
