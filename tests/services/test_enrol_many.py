"""Many enrolled at once come out as they would one by one, and one who is refused spoils no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import select

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import WORK, Base, transaction
from monitor.domain.localtime import local_date
from monitor.domain.sending import Kind
from monitor.errors import BadInput
from monitor.models import CheckIn, Episode, Event, Message, Patient, Task
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol, enrol_many
from monitor.services.ledger import check_ledger
from tests.story import Story

Row = TypeVar("Row", bound=Base)
ANN, BOB = "+12025550101", "+12025550102"


@pytest.fixture
def given(clock: StoppedClock) -> Enrolment:
    """Ann, operated on a week ago."""
    return Enrolment(
        name="Ann Carter", phone=ANN, surgery_on=clock.now().date() - timedelta(days=7), consent="signed form"
    )


def many(app: App, *given: Enrolment) -> list[int | str]:
    """For each the number of the episode, or the field that is at fault."""
    with transaction(app.sessions) as session:
        found = enrol_many(session, the_clinic(session), given, now=app.clock.now())
        return [each.field if isinstance(each, BadInput) else each.id for each in found]


def rows(app: App, table: type[Row], *where: Any) -> Sequence[Row]:
    with transaction(app.sessions) as session:
        return session.scalars(select(table).where(*where).order_by(table.id)).all()  # type: ignore[attr-defined]


def calendar(app: App, episode: int) -> list[tuple[object, ...]]:
    """What is planned, without what is this patient's own: their ids and their minute of the hour."""
    texts = rows(app, Message, Message.episode_id == episode)
    checkins = {row.id: (row.step, row.day, row.state, row.closed_at) for row in rows(app, CheckIn)}
    return [
        (
            *(text.once.split(":")[2], text.kind, text.priority, text.template, text.question, text.state, text.why),
            *(local_date(text.due_at, app.clock.now().tzinfo), text.expires_at, text.created_at, text.ended_at),  # type: ignore[arg-type]
            *(text.attempts, text.channel, checkins.get(text.checkin_id or 0)),
        )
        for text in texts
    ]


def test_many_have_the_calendar_that_each_would_have_alone(app: App, given: Enrolment) -> None:
    kinds = [
        given,
        replace(given, two_stage=True, jaw="upper", risks=("smoking",)),
        replace(given, stitches="removable", flap=True),
        replace(given, stitches="removable", surgery_on=given.surgery_on + timedelta(days=20)),
        replace(given, timezone="Pacific/Auckland", language="es", surgery_on=given.surgery_on - timedelta(days=390)),
    ]
    alone = [replace(each, phone=f"+1202555010{n}") for n, each in enumerate(kinds)]
    together = [replace(each, phone=f"+1202555020{n}") for n, each in enumerate(kinds)]
    with transaction(app.sessions) as session:
        for each in alone:
            enrol(session, the_clinic(session), each, now=app.clock.now())
    assert many(app, *together) == [6, 7, 8, 9, 10]
    for number in range(1, 6):
        assert calendar(app, number) == calendar(app, number + 5), kinds[number - 1]
        assert len(calendar(app, number)) > 5
    assert [row.risks for row in rows(app, Episode)] == [[], ["smoking"], [], [], []] * 2
    assert len(rows(app, Event, Event.kind == "enrolled")) == 10


def test_who_is_refused_spoils_no_other_and_leaves_nothing(app: App, given: Enrolment) -> None:
    found = many(
        app,
        given,
        replace(given, name="Bad Phone", phone="12"),
        replace(given, name="Bad Zone", phone=BOB, timezone="Mars"),
        replace(given, name="Bob Stone", phone=BOB),
        replace(given, name="No Consent", consent=" "),
    )
    assert found == [1, "phone", "timezone", 2, "consent"]
    assert [row.name for row in rows(app, Patient)] == ["Ann Carter", "Bob Stone"]
    with transaction(app.sessions) as session:
        assert check_ledger(session, app.clock.now()).holes == []


def test_one_person_may_come_twice_among_many(app: App, given: Enrolment) -> None:
    """With another surgery; the same one again is refused. Whoever has another name is somebody else."""
    later = replace(given, surgery_on=given.surgery_on + timedelta(days=3))
    found = many(app, given, replace(given, name="ANN CARTER"), later, replace(given, name="Bea Carter"))
    assert found == [1, "surgery", 2, 3]
    assert [row.name for row in rows(app, Patient)] == ["Ann Carter", "Bea Carter"]
    assert [row.patient_id for row in rows(app, Episode)] == [1, 1, 2]
    assert [row.patient_id for row in rows(app, Event, Event.kind == "consent_given")] == []


def test_who_is_known_is_found_again_and_told_once_how_to_stop(story: Story, given: Enrolment) -> None:
    app, ann = story.app, story.phone(ANN)
    assert many(app, given) == [1]
    story.run()
    story.forward(seconds=10)
    assert len(ann.new_texts()) == 2  # the first text, and the questions of day 7
    again = replace(given, surgery_on=given.surgery_on + timedelta(days=7), consent="on the phone", chart="17")
    refused = replace(given, consent="never said")
    assert many(app, refused, again, replace(again, name="Bob Stone", phone=BOB)) == ["surgery", 2, 3]
    (known, _) = rows(app, Patient)
    assert (known.consent_how, known.chart) == ("on the phone", "17")
    assert [row.patient_id for row in rows(app, Event, Event.kind == "consent_given")] == [1]
    assert [row.episode_id for row in rows(app, Message, Message.kind == Kind.WELCOME)] == [1, 3]
    story.run()
    story.phone(BOB).expects("STOP")


def test_whom_no_text_will_reach_is_the_front_desks_work(app: App, given: Enrolment) -> None:
    assert many(app, given) == [1]
    with transaction(app.sessions) as session:
        session.get_one(Patient, 1).opted_out_at = app.clock.now()
    later = replace(given, surgery_on=given.surgery_on + timedelta(days=1))
    assert many(app, later, replace(given, name="Bob Stone", phone=BOB)) == [2, 3]
    assert [(task.kind, task.patient_id) for task in rows(app, Task)] == [("opted_out", 1)]


@pytest.mark.parametrize(("zone", "told"), [("America/New_York", True), ("Pacific/Auckland", None)])
def test_a_worker_is_told_of_a_text_that_is_due_at_once(
    app: App, given: Enrolment, zone: str, told: bool | None
) -> None:
    """It is noon in New York. Where it is too early for texts there is no reason to wake anybody."""
    with app.sessions() as session:
        each = replace(given, timezone=zone, surgery_on=app.clock.now().date())
        enrol_many(session, the_clinic(session), [each], now=app.clock.now())
        assert session.info.get(WORK) is told
        session.rollback()


def test_nobody_at_all_is_enrolled(app: App) -> None:
    assert many(app) == []
    assert rows(app, Event, Event.kind == "enrolled") == []
