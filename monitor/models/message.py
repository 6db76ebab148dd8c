"""The outbox, what the provider said of it, and what phones wrote to us."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.db import Base

VERY_SOON = timedelta(seconds=15)


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of some rows alone, on both engines."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class MessageColumns:
    """What is known of one text or call, whichever table it stands in.

    `once` makes a row unique however often it is planned. `question` is what it asks, so that the next
    reply is read as an answer to what was really sent.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    once: Mapped[str] = mapped_column(String(80))
    clinic_id: Mapped[int] = mapped_column(ForeignKey("clinics.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"))
    episode_id: Mapped[int | None] = mapped_column(ForeignKey("episodes.id"))
    checkin_id: Mapped[int | None] = mapped_column(ForeignKey("checkins.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"))
    kind: Mapped[str] = mapped_column(String(12))
    channel: Mapped[str] = mapped_column(String(4), default="sms")
    to_number: Mapped[str] = mapped_column(String(40))
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
    sid: Mapped[str | None] = mapped_column(String(40))
    error_code: Mapped[int | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]  # when the provider was last asked about it
    ended_at: Mapped[datetime | None]


class Message(MessageColumns, Base):
    """One text or call to a patient or to staff: the schedule itself. What has ended long ago is a PastMessage."""

    __tablename__ = "messages"

    def is_work(self) -> bool:
        """New, and due before a worker that is not told would look again: a page, an answer, a first text."""
        return self.state == "planned" and self.attempts == 0 and self.due_at <= self.created_at + VERY_SOON

    __table_args__ = (
        UniqueConstraint("once"),
        Index(None, "patient_id"),
        Index(None, "episode_id"),
        Index(None, "checkin_id"),
        Index(None, "alert_id"),
        Index(None, "to_number"),
        Index(None, "sid"),
        _partial("ix_messages_due", "priority", "due_at", where="state = 'planned'"),
        _partial("ix_messages_moving", "state", where="state IN ('sending', 'unknown', 'sent')"),
        _partial("ix_messages_ended", "ended_at", where="ended_at IS NOT NULL"),
    )


class PastMessage(MessageColumns, Base):
    """A text that ended long ago, exactly as it stood among the messages, under the same id.

    Nothing that decides looks for it there, so that the messages stay few however long the program is in use:
    `services/archive.py` moves it here, and back when it must be changed after all.
    """

    __tablename__ = "message_history"

    # `once` is not unique here: a worker of an earlier version knows no history and may write a step that has
    # passed a second time, skipped; that must not hold up what moves here with it.
    __table_args__ = (
        Index(None, "once"),
        Index(None, "patient_id"),
        Index(None, "episode_id"),
        Index(None, "sid"),
        Index(None, "due_at"),
    )


class Callback(Base):
    """A status callback exactly as it came, applied or not."""

    __tablename__ = "callbacks"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int | None] = mapped_column(index=True)  # no foreign key: the text may be in history
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
