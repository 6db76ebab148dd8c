"""Status callbacks that are applied together do what each would have done alone, in the same order. On both engines."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.models import Callback, CheckIn, Event, Message, Patient
from monitor.services.track import Report, track, track_together
from tests.web.visitor import enrol_someone

PLAIN = ("accepted", "queued", "sending", "sent", "delivered", "read")
NOBODYS = 987_654  # an id that no text has
STATES = (State.SENDING, State.SENT, State.UNKNOWN, State.PLANNED, State.UNDELIVERED, State.CANCELLED)


@pytest.fixture
def texts(app: App, clock: StoppedClock) -> list[int]:
    """Check-ins of six patients, each in another state; one's number is dead, one's text is to be sent anew."""
    for n in range(len(STATES)):
        enrol_someone(app, clock, f"P {n}", f"+1202555020{n}", day=0)
    now = clock.now()
    with transaction(app.sessions) as session:
        messages = session.scalars(
            select(Message).where(Message.kind == "checkin").order_by(Message.patient_id, Message.due_at)
        ).all()
        mine = list({message.patient_id: message for message in reversed(messages)}.values())[::-1]
        for n, (message, state) in enumerate(zip(mine, STATES, strict=True)):
            message.state, message.attempts, message.claimed_at = state, 1, now
            message.sid = f"SM{n}" if n % 2 else None
        session.execute(update(Patient).where(Patient.id == mine[0].patient_id).values(bad_number_at=now))
        lost = mine[STATES.index(State.UNDELIVERED)]
        again = {"once": f"again:{lost.id}", "due_at": now + timedelta(hours=1), "created_at": now, "priority": 5}
        kept = {"clinic_id": 1, "patient_id": lost.patient_id, "kind": "checkin", "to_number": lost.to_number}
        session.add(Message(**again, **kept, checkin_id=lost.checkin_id))
        return [message.id for message in mine]


def random_report(texts: Sequence[int], dice: random.Random, app: App) -> Report:
    """Mostly of a text and its own sid; now and then of another one, of none, or without an id of ours."""
    number = dice.randrange(len(texts))
    others = dice.randrange(9) if number % 2 else number  # a text that has no sid yet would take any
    sid = f"SM{dice.choice([number, number, number, others])}"
    message_id = dice.choice([texts[number], texts[number], texts[number], None, NOBODYS, 2**70])
    at = app.clock.now() + timedelta(seconds=dice.randrange(60))
    return Report.read({"MessageSid": sid, "MessageStatus": dice.choice(PLAIN)}, message_id, at=at)


def what_stands(session: Session) -> dict[str, object]:
    session.flush()
    session.expire_all()
    messages = {
        m.id: (m.state, m.sid, m.why, m.sent_at, m.ended_at, m.worker) for m in session.scalars(select(Message))
    }
    checkins = {c.id: (c.state, c.opened_at, c.asked_at, c.closed_at) for c in session.scalars(select(CheckIn))}
    callbacks = [
        (c.message_id, c.sid, c.status, c.applied, c.received_at)
        for c in session.scalars(select(Callback).order_by(Callback.id))
    ]
    events = Counter((e.kind, e.message_id, e.patient_id) for e in session.scalars(select(Event)))
    dead = {p.id: p.bad_number_at for p in session.scalars(select(Patient))}
    return {"messages": messages, "checkins": checkins, "callbacks": callbacks, "events": events, "dead": dead}


def outcome(app: App, play: Callable[[Session], object]) -> dict[str, object]:
    """What would stand after it; nothing is kept."""
    with app.sessions() as session:
        play(session)
        found = what_stands(session)
        session.rollback()
    return found


@pytest.mark.parametrize("seed", range(6))
def test_together_is_as_one_after_the_other(seed: int, app: App, texts: list[int]) -> None:
    dice = random.Random(seed)
    reports = [random_report(texts, dice, app) for _ in range(40)]
    assert all(report.is_plain() for report in reports)

    def one_by_one(session: Session) -> None:
        for report in reports:
            track(session, report.params, message_id=report.message_id, now=report.at)
            session.flush()

    alone = outcome(app, one_by_one)
    assert outcome(app, lambda session: track_together(session, reports)) == alone
    assert alone != outcome(app, lambda _: None)


@pytest.mark.parametrize("status", ["undelivered", "failed", "canceled", "busy", "no-answer", "teleported"])
def test_what_went_wrong_or_is_not_known_is_not_plain(status: str, app: App) -> None:
    assert not Report.read({"MessageSid": "SM1", "MessageStatus": status}, 1, at=app.clock.now()).is_plain()
