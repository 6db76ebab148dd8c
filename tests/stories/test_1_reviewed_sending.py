"""Promise 1, continued: what an outage, an edited protocol or a busy provider must not do to the texts behind it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import update

from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.models import CheckIn, Event, Message
from monitor.services.change import move_open_episodes
from monitor.services.dispatch import claim
from monitor.services.escalate import escalate
from monitor.services.outbox import cancel
from monitor.services.read import read_waiting
from monitor.services.seed import read_files, store_version
from tests.stories.people import on_day_3
from tests.story import Story

PROTOCOL = "protocols/dental-implant.toml"


def test_a_text_that_a_worker_has_just_claimed_cannot_be_taken_back(story: Story) -> None:
    ann = on_day_3(story)
    checkin = story.plan(ann)["checkin-4"]
    with transaction(story.app.sessions) as session:
        row = session.get_one(Message, checkin.id)
        claimed = update(Message).where(Message.id == row.id).values(state=State.SENDING)
        session.execute(claimed.execution_options(synchronize_session=False))
        assert not cancel(session, row, why="no longer wanted", now=story.clock.now())
        assert row.state == State.SENDING
        session.rollback()
    assert story.all(Event, Event.kind == "message_cancelled") == []


def test_only_what_is_for_staff_leaves_from_the_number_for_pages(story: Story) -> None:
    story.staff()
    story.phone("+12025550188").types("there is pus")
    read_waiting(story.app.sessions, story.clock)
    escalate(story.app.sessions, story.clock, public_url="https://m.example.org")
    claimed = claim(story.app.sessions, story.clock.now(), worker="one that looks")
    assert {text.to: text.to_staff for text in claimed} == {"+12025550171": True, "+12025550188": False}


def edit_protocol(story: Story, *edits: tuple[str, str, str]) -> int:
    """The clinic loads an edited copy, open episodes too; returns how many were moved."""
    files = read_files()
    for name, old, new in edits:
        assert old in files[name], f"{old!r} is not in {name}"
        files[name] = files[name].replace(old, new)
    with transaction(story.app.sessions) as session:
        version = store_version(session, files, now=story.clock.now())
        return move_open_episodes(session, version, now=story.clock.now())


def test_a_text_that_cannot_be_written_is_told_to_the_front_desk_and_stops_no_other(story: Story) -> None:
    nurse, ann, ben = story.staff(), on_day_3(story), story.patient("Ben Ode", "+12025550102", day=30)
    with transaction(story.app.sessions) as session:
        session.execute(update(Message).where(Message.once.endswith(":checkin-4")).values(template="renamed"))
    story.clock.move_to(story.moment("2026-11-03 12:00"))
    ben.texts("I cannot breathe")
    assert "911" in ben.new_texts()[0], "advice, and whatever is asked next"
    code = story.code_in(next(text for text in nurse.new_texts() if "EMERGENCY" in text))
    nurse.expects_call()
    nurse.takes(code)
    nurse.closes(code)
    broken = story.plan(ann)["checkin-4"]
    assert (broken.state, broken.why is not None and "texts.renamed" in broken.why) == ("failed", True)
    story.forward(hours=2)
    assert story.tasks().count("text_broken") == 1
    assert story.all(Message, Message.once == f"again:{broken.id}") == [], "it would fail again"


def test_a_protocol_loaded_for_open_episodes_moves_what_has_not_left(story: Story) -> None:
    ann = on_day_3(story)
    moved = edit_protocol(
        story,
        (PROTOCOL, "days = 7\nexpires_days = 5", "days = 8\nexpires_days = 5"),
        (PROTOCOL, 'key = "review"', 'key = "look"'),
        (PROTOCOL, 'message = "step.integration"', 'message = "step.bone"'),
        *((f"messages/{language}.toml", '"step.integration"', '"step.bone"') for language in ("en", "es", "ru")),
    )
    assert moved == 1
    plan = story.plan(ann)
    assert {key: plan[key].state for key in ("review", "look", "advice")} == {
        "review": "cancelled",
        "look": "planned",
        "advice": "delivered",
    }
    assert plan["integration"].template == "step.bone"
    assert plan["checkin-7"].due_at.date() == date(2026, 11, 7), "five days on from day 3"
    assert story.all(CheckIn, CheckIn.step == "checkin-7")[0].day == 8
