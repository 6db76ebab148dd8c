"""What happened can be added to and read; nobody changes it, whatever hole they find."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from monitor.bootstrap import App
from monitor.db import transaction
from monitor.models import Event
from monitor.services.audit import act_as, record
from monitor.services.clinic import the_clinic
from monitor.services.staff import add_staff


@pytest.fixture
def told(app: App) -> int:
    with transaction(app.sessions) as session:
        record(session, "viewed", at=app.clock.now(), actor="staff:1", clinic_id=1)
        session.flush()
        return session.scalars(select(Event.id).order_by(Event.id.desc())).first() or 0


@pytest.mark.parametrize(
    "change",
    [
        update(Event).values(actor="somebody else"),
        delete(Event),
        text("UPDATE events SET actor = 'x' WHERE id > 0"),
        text("DELETE FROM events"),
    ],
)
def test_an_event_is_neither_changed_nor_deleted(app: App, told: int, change: object) -> None:
    with pytest.raises(DBAPIError, match="events are only added"), transaction(app.sessions) as session:
        session.execute(change)  # type: ignore[call-overload]
    with transaction(app.sessions) as session:
        assert session.get_one(Event, told).actor == "staff:1"


@pytest.mark.engine("postgresql")
@pytest.mark.parametrize("verb", ["TRUNCATE events", "TRUNCATE events CASCADE", "TRUNCATE patients CASCADE"])
def test_the_log_is_not_emptied_at_one_blow(app: App, told: int, verb: str) -> None:
    """A trigger for each row sees nothing of it."""
    with pytest.raises(DBAPIError, match="events are only added"), transaction(app.sessions) as session:
        session.execute(text(verb))
    with transaction(app.sessions) as session:
        assert session.get_one(Event, told).actor == "staff:1"


def test_what_a_transaction_records_is_its_actors(app: App) -> None:
    with transaction(app.sessions) as session:
        ray = add_staff(session, the_clinic(session), "Dr Ray", "+12025550171", now=app.clock.now())
    with transaction(app.sessions) as session:
        act_as(session, ray)
        record(session, "note_added", at=app.clock.now())
    with transaction(app.sessions) as session:
        record(session, "digest", at=app.clock.now())
    with transaction(app.sessions) as session:
        last = session.execute(select(Event.actor, Event.clinic_id).order_by(Event.id.desc()).limit(2)).all()
    assert last == [("system", None), (f"staff:{ray.id}", ray.clinic_id)]
