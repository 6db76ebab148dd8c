"""The ledger finds what nobody looks after any more: each kind of hole, planted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import reading, transaction
from monitor.models import Alert, Assessment, Episode, Inbound, Message, PastMessage
from monitor.scheduler import Ticks
from monitor.services import ledger as ledger_service
from monitor.services.archive import archive
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.ledger import Hole, Ledger, check_ledger, count_holes, look_through
from monitor.services.receive import save_inbound
from monitor.services.staff import add_staff
from monitor.services.tally import set_tally
from monitor.sms.gateway import Received

Plant = Callable[[Session], int]  # by hand; the number of what is a hole now
DAY = timedelta(days=1)


@pytest.fixture
def sound(app: App, clock: StoppedClock) -> App:
    """Three patients; one has reported pus, one that all is well; and some of their texts are history."""
    with transaction(app.sessions) as session:
        clinic = the_clinic(session)
        add_staff(session, clinic, "Dr Ray", "+12025550171", now=clock.now())
        for n in range(3):
            surgery_on = clock.now().date() - (7 + n) * DAY
            given = Enrolment(name=f"P{n}", phone=f"+1202555010{n}", surgery_on=surgery_on, consent="signed form")
            enrol(session, clinic, given, now=clock.now())
    Ticks(app).everything()
    clock.forward(seconds=20)
    Ticks(app).everything()
    for n, words in enumerate(("there is pus", "0")):
        with transaction(app.sessions) as session:
            save_inbound(
                session,
                Received(f"SM{n}", f"+1202555010{n}", "clinic", words, 0, clock.now()),
                raw=None,
                now=clock.now(),
            )
    Ticks(app).everything()
    clock.forward(seconds=5)
    Ticks(app).everything()
    assert archive(app.sessions, clock, keep=timedelta()) > 0
    assert look(app) == []
    return app


def look(app: App) -> list[Hole]:
    with transaction(app.sessions) as session:
        return check_ledger(session, app.clock.now()).holes


def first(session: Session, table: type, *where: object) -> int:
    """The id of the first row of which this is so."""
    found: int | None = session.scalar(select(table.id).where(*where).order_by(table.id).limit(1))  # type: ignore[attr-defined, arg-type]
    assert found is not None
    return found


def change(session: Session, table: type, key: int, **values: object) -> int:
    session.execute(update(table).where(table.id == key).values(**values))  # type: ignore[attr-defined]
    return key


def plant_overdue(app: App, session: Session) -> int:
    key = first(session, Message, Message.state == "planned")
    return change(session, Message, key, due_at=app.clock.now() - timedelta(minutes=11))


def plant_doubt(app: App, session: Session) -> int:
    key = first(session, Message, Message.state == "planned")
    return change(session, Message, key, state="unknown", claimed_at=app.clock.now() - timedelta(hours=4))


def plant_unconfirmed(app: App, session: Session) -> int:
    key = first(session, Message, Message.state == "planned")
    return change(session, Message, key, state="sent", sent_at=app.clock.now() - timedelta(hours=31))


def plant_silent_end(app: App, session: Session) -> int:
    key = first(session, Message, Message.state == "planned")
    return change(session, Message, key, state="expired", ended_at=app.clock.now(), why=None)


def plant_silent_history(app: App, session: Session) -> int:
    key = first(session, PastMessage, PastMessage.state == "skipped")
    return change(session, PastMessage, key, why=None)


def plant_open_history(app: App, session: Session) -> int:
    return change(session, PastMessage, first(session, PastMessage), state="planned")


def plant_unread(app: App, session: Session) -> int:
    received = Received("SM9", "+12025550101", "clinic", "it hurts", 0, app.clock.now())
    save_inbound(session, received, raw=None, now=app.clock.now() - timedelta(minutes=3))
    return first(session, Inbound, Inbound.sid == "SM9")


def plant_unscored(app: App, session: Session) -> int:
    key = first(session, Inbound, Inbound.sid == "SM1")
    session.execute(delete(Assessment).where(Assessment.inbound_id == key))
    return key


def plant_unheard(app: App, session: Session) -> int:
    key = first(session, Inbound, Inbound.sid == "SM1")
    session.execute(update(Assessment).where(Assessment.inbound_id == key).values(disposition="review"))
    return key


def plant_stuck_alert(app: App, session: Session) -> int:
    return change(session, Alert, first(session, Alert), step_at=None)


def plant_lost_alert(app: App, session: Session) -> int:
    return change(session, Alert, first(session, Alert), step_at=app.clock.now() - timedelta(minutes=11))


def plant_no_outcome(app: App, session: Session) -> int:
    return change(session, Alert, first(session, Alert), closed_at=app.clock.now(), state="closed", outcome=None)


def plant_short_calendar(app: App, session: Session) -> int:
    return change(session, Episode, first(session, Episode), planned_until=app.clock.now() - timedelta(minutes=1))


def plant_missing_step(app: App, session: Session) -> int:
    episode = first(session, Episode)
    session.execute(delete(Message).where(Message.once == f"plan:{episode}:checkin-14"))
    return episode


def plant_missing_past(app: App, session: Session) -> int:
    episode = first(session, Episode)
    session.execute(delete(PastMessage).where(PastMessage.once == f"plan:{episode}:care"))
    return episode


OPEN = [
    (plant_overdue, "text", "due and not sent"),
    (plant_doubt, "text", "handed to the provider and never settled"),
    (plant_unconfirmed, "text", "sent and never asked about"),
    (plant_unread, "reply", "received and not read"),
    (plant_stuck_alert, "alert", "open, and nobody will be paged"),
    (plant_lost_alert, "alert", "open, and nobody will be paged"),
    (plant_short_calendar, "episode", "its calendar is not written on"),
]
OVER = [
    (plant_silent_end, "text", "ended without a reason"),
    (plant_silent_history, "text", "ended without a reason"),
    (plant_open_history, "text", "in history and not ended"),
    (plant_unscored, "reply", "read and not scored"),
    (plant_unheard, "reply", "needs a person and raised no alert"),
    (plant_no_outcome, "alert", "closed without an outcome"),
    (plant_missing_step, "episode", "no text is planned for checkin-14"),
    (plant_missing_past, "episode", "no text is planned for care"),
]


@pytest.mark.parametrize(("plant", "what", "why"), [*OPEN, *OVER], ids=lambda part: getattr(part, "__name__", None))
def test_it_finds_what_was_planted_and_nothing_else(
    plant: Callable[[App, Session], int], what: str, why: str, sound: App
) -> None:
    with transaction(sound.sessions) as session:
        number = plant(sound, session)
        quick = count_holes(session, sound.clock.now())
    assert look(sound) == [Hole(what, number, why)]
    is_open = any(plant is known for known, _, _ in OPEN)
    assert {kind: count for kind, count in quick.items() if count} == ({what: 1} if is_open else {})


def test_it_finds_the_same_a_few_rows_at_a_time(sound: App, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction(sound.sessions) as session:
        for plant, _, _ in (OPEN[0], OPEN[3], OPEN[4], OPEN[6], OVER[1], OVER[4]):
            plant(sound, session)
        whole = check_ledger(session, sound.clock.now())
    monkeypatch.setattr(ledger_service, "ROWS", 2)
    monkeypatch.setattr(ledger_service, "CALENDARS", 1)
    shares: list[float] = []
    counts = Ledger()
    found = list(look_through(lambda: transaction(sound.sessions), counts, sound.clock.now(), tell=shares.append))
    assert len(found) == 6
    assert asdict(counts) | {"holes": [asdict(hole) for hole in found]} == asdict(whole)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_quick_look_counts_no_further_than_it_must(sound: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_service, "ENOUGH", 2)
    with transaction(sound.sessions) as session:
        waiting = update(Message).where(Message.state == "planned")
        session.execute(waiting.values(due_at=sound.clock.now() - DAY))
        assert count_holes(session, sound.clock.now())["text"] == 2


@pytest.mark.engine("sqlite")
def test_a_look_keeps_no_writer_waiting(sound: App) -> None:
    with reading(sound.sessions) as looking:
        check_ledger(looking, sound.clock.now())
        with transaction(sound.sessions) as session:
            set_tally(session, "written meanwhile", 1, at=sound.clock.now())
