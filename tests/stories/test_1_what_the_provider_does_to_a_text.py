"""Promise 1, continued: phones that are off, numbers that are dead, a provider that is busy or out of reach."""

from __future__ import annotations

from monitor.domain.delivery import FINAL
from monitor.errors import GatewayBusy, GatewayRefused, GatewayUnreachable
from monitor.models import CheckIn, Message
from tests.stories.people import answers_that_all_is_well, on_day_3
from tests.story import CHECKIN, Story


def test_a_phone_that_is_off_is_tried_again_and_then_the_front_desk_is_told(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.off[ann.number] = 30003
    story.until("2026-11-03 12:30")
    assert story.plan(ann)["checkin-4"].state == "undelivered"
    assert story.tasks().count("undelivered") == 1
    assert story.all(CheckIn, CheckIn.day == 4)[0].state == "unreached"


def test_a_phone_that_is_switched_on_again_gets_the_questions_once(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.off[ann.number] = 30003
    story.until("2026-11-03 11:01")
    del story.carrier.off[ann.number]
    story.until("2026-11-03 12:30")
    ann.expects("day 4", CHECKIN)
    answers_that_all_is_well(ann)


def test_a_landline_is_told_to_the_front_desk_and_gets_no_more_scheduled_texts(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.off[ann.number] = 30006
    story.until("2026-11-10 12:30")
    assert story.tasks().count("undelivered") == 1
    assert story.plan(ann)["checkin-14"].state in {"planned", "skipped"}
    assert not story.all(Message, Message.state.not_in([*FINAL, "planned"]))


def test_a_busy_provider_delays_a_text_and_loses_none(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.failing[ann.number] = GatewayBusy(429, 7)
    story.until("2026-11-03 11:30")
    ann.expects_nothing()
    del story.carrier.failing[ann.number]
    story.until("2026-11-03 13:30")
    ann.expects("day 4", CHECKIN)
    answers_that_all_is_well(ann)


def test_a_provider_out_of_reach_for_two_days_loses_no_check_in(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.failing[ann.number] = GatewayUnreachable()
    story.until("2026-11-05 17:30")
    del story.carrier.failing[ann.number]
    story.until("2026-11-05 19:30")
    ann.expects("day 4", CHECKIN)
    answers_that_all_is_well(ann)


def test_a_refusal_nobody_knows_is_tried_again_and_told_to_staff(story: Story) -> None:
    ann = story.patient(day=0)
    story.carrier.failing[ann.number] = GatewayRefused(39999)
    story.until("2026-11-03 06:00")
    assert story.plan(ann)["care"].state == "expired"
    assert story.tasks() == ["undelivered"]


def test_a_text_the_provider_never_speaks_of_again_ends_as_unconfirmed(story: Story) -> None:
    ann = story.patient(day=0)
    story.carrier.silent.add(ann.number)
    story.until("2026-11-02 18:01")
    ann.expects("no rinsing")
    assert story.plan(ann)["care"].state == "sent"
    story.until("2026-11-02 18:30")
    assert story.plan(ann)["care"].state == "delivered", "it was asked about, and the provider knew"
