"""Promise 1, continued: what an outage, an edited protocol or a busy provider must not do to the texts behind it."""

from __future__ import annotations

from sqlalchemy import update

from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.models import Event, Message
from monitor.services.dispatch import claim
from monitor.services.escalate import escalate
from monitor.services.outbox import cancel
from monitor.services.read import read_waiting
from tests.stories.people import on_day_3
from tests.story import Story


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
