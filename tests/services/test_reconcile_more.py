"""Sends in doubt: when they are repeated, when not, and what a provider that refuses us says of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.clock import StoppedClock
from monitor.models import Message
from monitor.services.claim import Claimed, claim
from monitor.services.reconcile import fetch_inbound, reconcile
from monitor.sms.gateway import Text
from tests.services.conftest import ANN, NURSE, OnTwilio
from tests.story import CHECKIN, Someone, Story
from tests.twilio_standin import Delivery, refusal, reset


@dataclass
class SetForward:
    """The story's clock as a machine has it that was set forward: no real time passes with it."""

    story: StoppedClock
    passed: float = 0.0

    def now(self) -> datetime:
        return self.story.now()

    def monotonic(self) -> float:
        return self.passed


def sends(story: Story) -> tuple[Someone, Claimed]:
    """A patient whose check-in is being handed over by a worker at this moment."""
    ann = story.patient(day=7)
    story.clock.forward(seconds=6)
    (text,) = claim(story.app.sessions, story.clock.now(), worker="one that is sending")
    return ann, text


def is_paged_in_doubt(story: Story, nurse: Someone) -> None:
    """The nurse's phone shows a page, and the provider's answer to it got lost."""
    ann = story.patient(day=30)
    story.carrier.answer_lost.add(nurse.number)
    ann.types("there is pus")
    story.ticks.urgent()
    ann.expects("The team has been told")


def page_row(story: Story) -> Message:
    row: Message = story.all(Message, Message.kind == "page")[0]
    return row


# --- pages


def test_a_page_whose_answer_got_lost_is_not_repeated_once_somebody_has_taken_it(story: Story) -> None:
    nurse = story.staff()
    is_paged_in_doubt(story, nurse)
    nurse.types(nurse.expects_page("URGENT"))
    story.ticks.urgent()
    nurse.expects("It is yours")
    story.carrier.answer_lost.clear()
    story.forward(minutes=10)
    nurse.expects_nothing()
    assert (page_row(story).state, page_row(story).why) == ("unconfirmed", "its answer was lost; paging is over")


def test_a_page_whose_answers_all_get_lost_comes_three_times_and_paging_moves_on(story: Story) -> None:
    nurse, boss = story.staff(), story.staff("Dr Lin", "+12025550172", tier=2)
    is_paged_in_doubt(story, nurse)
    for _ in range(8):
        story.forward(seconds=30)
    codes = [story.code_in(page) for page in nurse.new_texts()]
    assert codes.count(codes[0]) == 3
    assert (page_row(story).state, page_row(story).attempts) == ("failed", 3)
    boss.takes(boss.expects_page("URGENT"))
    story.carrier.answer_lost.clear()
    story.forward(minutes=5)
    nurse.new_texts()


# --- texts to patients


def test_a_clock_set_forward_while_a_text_is_under_way_sends_no_second_one(story: Story) -> None:
    ann, text = sends(story)
    clock = SetForward(story.clock)
    for _ in range(3):
        story.clock.forward(minutes=3)
        reconcile(story.app.sessions, story.carrier, clock)
    story.ticks.urgent()
    assert isinstance(text.what, Text)
    story.carrier.show(text.what.to, text.what.body, text.id)
    clock.passed = 60
    reconcile(story.app.sessions, story.carrier, clock)
    story.run()
    ann.expects(CHECKIN)
    assert story.plan(ann)["checkin-7"].attempts == 1


def test_a_text_that_two_looks_do_not_find_is_sent_again(story: Story) -> None:
    ann, _ = sends(story)
    clock = SetForward(story.clock)
    story.clock.forward(minutes=3)
    for clock.passed in (0, 19):
        reconcile(story.app.sessions, story.carrier, clock)
        story.ticks.urgent()
        ann.expects_nothing()
    clock.passed = 20
    reconcile(story.app.sessions, story.carrier, clock)
    story.ticks.urgent()
    ann.expects(CHECKIN)


# --- texts that were sent


def test_credentials_that_are_wrong_for_a_while_settle_no_text(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.deliver_next(Delivery(ends="delivered", calls_back=False), to=ANN)
    on_twilio.forward(hours=23)
    on_twilio.standin.fail_next(refusal(20003, status=401), method="GET")
    on_twilio.forward(hours=2)
    assert on_twilio.planned("checkin-4").state == "sent"
    on_twilio.forward(hours=2)
    assert on_twilio.planned("checkin-4").state == "delivered"


def test_a_text_that_the_provider_does_not_know_is_unconfirmed(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.deliver_next(Delivery(ends="sent", calls_back=False), to=ANN)
    on_twilio.forward(hours=23)
    on_twilio.standin.fail_next(refusal(20404, status=404), method="GET")
    on_twilio.forward(hours=2)
    assert on_twilio.planned("checkin-4").state == "unconfirmed"


# --- calls


def test_a_key_that_comes_second_hears_that_it_was_taken(on_twilio: OnTwilio) -> None:
    on_twilio.staff()
    on_twilio.staff("+12025550172")
    on_twilio.enrol()
    on_twilio.texts(ANN, "I can't breathe")
    first, second = (next(c for c in on_twilio.standin.calls if c.to == to) for to in (NURSE, "+12025550172"))
    first.press("1")
    second.press("1")
    assert "It is yours" in first.heard
    assert "It is yours" not in second.heard
    assert "has taken it already" in second.heard


# --- our clock is ahead of the provider's


def is_ahead(world: OnTwilio, **parts: float) -> None:
    """From now on our clock shows more than the provider's."""
    world.standin.account.clock = StoppedClock(world.clock.now())
    world.clock.forward(**parts)


def test_a_text_that_came_while_our_clock_was_ahead_is_fetched(on_twilio: OnTwilio) -> None:
    on_twilio.enrol()
    is_ahead(on_twilio, hours=2)
    app = on_twilio.app
    assert fetch_inbound(app.sessions, app.gateway, app.clock) == 0
    on_twilio.standin.patient_texts(ANN, "3", lost=True)
    assert fetch_inbound(app.sessions, app.gateway, app.clock) == 1
    on_twilio.run()


def test_a_text_in_doubt_is_found_although_our_clock_is_ahead(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    on_twilio.forward(hours=22)
    on_twilio.standin.mute()
    on_twilio.standin.fail_next(reset(accepts=True), to=ANN)
    is_ahead(on_twilio, hours=2)
    on_twilio.run()
    for _ in range(3):
        on_twilio.forward(seconds=30)
    assert [CHECKIN in body for body in on_twilio.screen(ANN)].count(True) == 1
