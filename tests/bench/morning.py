"""A morning at many clinics: thousands of patients whose first check-in is due at the same moment.

One patient is enrolled as always, and their rows are copied for the others, which is a hundred times quicker.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, inspect, select, true, update
from sqlalchemy.orm import Session

from monitor.bootstrap import prepare
from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.db import Base, Sessions, open_sessions, transaction
from monitor.domain.delivery import State
from monitor.models import CheckIn, Episode, Message, Patient
from monitor.scheduler import Ticks
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.init import initialise

STRIDE = 1000  # between the ids of one patient's rows and the next one's
OWNED = ("patient_id", "episode_id", "checkin_id")
DAY = timedelta(days=1)


def number_of(patient: int) -> str:
    return f"+1202{5000000 + patient:07d}"


def fill(settings: Settings, patients: int) -> None:
    """A new database where it is noon, with so many patients on day 3 and their whole course as rows."""
    engine = prepare(settings)
    now = SystemClock().now()
    to_noon = 12 - now.hour
    with transaction(open_sessions(engine)) as session:
        zone = {"name": "Smile Dental", "timezone": f"Etc/GMT{-to_noon:+d}", "emergency_number": "911"}
        initialise(session, zone, now=now)
        surgery_on = (now + timedelta(hours=to_noon)).date() - 3 * DAY
        given = Enrolment(name="P", phone=number_of(0), surgery_on=surgery_on, consent="signed form")
        enrol(session, the_clinic(session), given, now=now)
        messages = session.scalars(select(Message).order_by(Message.id)).all()
        for message in messages:
            if message.due_at < now + DAY / 2:  # what day 3 asks for has been done
                message.state, message.due_at, message.ended_at = State.DELIVERED, now - 3 * DAY, now - 3 * DAY
        for table in (Patient, Episode, CheckIn, Message):
            _copy(session, session.scalars(select(table).order_by(table.id)).all(), patients)
    engine.dispose()


def make_due(sessions: Sessions, *, alone: bool = False) -> None:
    """The first check-in of every patient is due now, or that of the first patient alone."""
    with transaction(sessions) as session:
        first = select(Message.id).where(Message.kind == "checkin").order_by(Message.due_at, Message.id).limit(1)
        mine = Message.id % STRIDE == (session.scalar(first) or 0) % STRIDE, Message.state == State.PLANNED
        which = Message.id < STRIDE if alone else true()
        session.execute(update(Message).where(*mine, which).values(due_at=SystemClock().now()))


def _copy(session: Session, rows: Sequence[Base], patients: int) -> None:
    session.flush()
    table = type(rows[0])
    names = [column.key for column in inspect(table).column_attrs]
    kept = [{name: getattr(row, name) for name in names} for row in rows]
    session.execute(insert(table), [_of(patient, row) for patient in range(1, patients) for row in kept])


def _of(patient: int, row: dict[str, Any]) -> dict[str, Any]:
    """The row as another patient has it."""
    moved = {name: row[name] + patient * STRIDE for name in ("id", *OWNED) if row.get(name) is not None}
    numbers = {name: number_of(patient) for name in ("phone", "to_number") if name in row}
    once = {"once": f"{row['once']}:{patient}"} if "once" in row else {}
    return row | moved | numbers | once


def play_morning(ticks: Ticks, texts: int) -> float:
    """Texts a second from the first claim until the last outcome is recorded, of the patients that `fill` wrote."""
    sessions = ticks.app.sessions
    make_due(sessions, alone=True)
    ticks.urgent()  # imports, the parsed protocol, a first connection: what a worker does once
    make_due(sessions)
    started = time.perf_counter()
    ticks.urgent()
    took = time.perf_counter() - started
    with transaction(sessions) as session:
        sent = session.scalar(select(func.count()).select_from(Message).where(Message.state == State.SENT))
    assert sent == texts + 1, f"{sent} of {texts} were sent"
    return texts / took
