"""Promise 4: until somebody has taken it and the patient was helped, the next person is paged."""

from __future__ import annotations

from sqlalchemy import select

from monitor.db import transaction
from monitor.errors import GatewayUnreachable
from monitor.models import Page, Staff
from monitor.services.acknowledge import find_alert
from monitor.services.hand_over import hand_over
from tests.stories.people import raises_pus
from tests.story import Story

LAST_RESORT = "+12025550199"


def test_pus_is_paged_taken_and_closed(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30, chart="C-12")
    ann.texts("there is pus")
    ann.expects("The team has been told: pus")
    page = nurse.expects("URGENT Smile Dental: A.C. chart C-12 day 30: pus.", "https://m.example.org/a/", "to take it")
    assert "Carter" not in page
    nurse.takes(story.code_in(page))
    story.forward(hours=2)
    nurse.texts(f"{story.code_in(page)} B")
    nurse.expects("Recorded: appointment booked")
    story.forward(days=1)
    assert (story.alert().state, story.alert().outcome) == ("closed", "booked")


def test_the_tiers_are_climbed_then_everyone_then_the_last_resort_then_round_again(story: Story) -> None:
    nurse, dentist = story.staff(tier=1), story.staff("Dr Lin", "+12025550172", tier=2)
    last = story.phone(LAST_RESORT)
    raises_pus(story)
    nurse.expects_page("URGENT")
    for _round in range(2):
        story.forward(minutes=15)
        dentist.expects_page("URGENT")
        nurse.expects_nothing()
        story.forward(minutes=15)
        nurse.expects_page("URGENT")
        dentist.expects_page("URGENT")
        story.forward(minutes=15)
        last.expects_page("URGENT")
        last.expects_call("urgent", "day 30")
        story.forward(minutes=15)
        nurse.expects_page("URGENT")
    assert story.alert().rounds == 2


def test_a_call_speaks_of_band_and_day_and_of_no_name(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("I can't breathe")
    call = nurse.expects_call("emergency", "day 30", "Press any key")
    assert "Carter" not in call.body
    assert "A.C." not in call.body
    nurse.takes(nurse.expects_page("EMERGENCY"))
    ann.expects("call 911 now", "by Mon 2 Nov 12:30")


def test_an_emergency_climbs_every_three_minutes_and_rings(story: Story) -> None:
    nurse, dentist = story.staff(tier=1), story.staff("Dr Lin", "+12025550172", tier=2)
    story.until("2026-11-03 03:00")
    ann = story.patient(day=30, welcome=False)
    ann.texts("I can't breathe")
    ann.expects("call 911 now")
    nurse.expects_page("EMERGENCY")
    nurse.expects_call()
    story.forward(minutes=2, seconds=50)
    dentist.expects_nothing()
    story.forward(seconds=20)
    dentist.takes(dentist.expects_page("EMERGENCY"))
    dentist.expects_call()
    story.forward(minutes=20)
    nurse.expects_nothing()


def test_a_keypress_takes_a_call_and_voicemail_does_not(story: Story) -> None:
    nurse, dentist = story.staff(tier=1), story.staff("Dr Lin", "+12025550172", tier=2)
    ann = story.patient(day=30)
    ann.texts("I can't breathe")
    ann.expects("call 911 now")
    nurse.expects_page("EMERGENCY")
    nurse.expects_call()  # it is answered by a machine, which presses nothing
    story.forward(minutes=3)
    dentist.expects_page("EMERGENCY")
    dentist.presses_a_key(dentist.expects_call())
    dentist.expects("It is yours", ann.number)
    story.forward(minutes=25)
    nurse.expects_nothing()


def test_with_nobody_on_the_rota_the_last_resort_is_paged_at_once_and_it_is_recorded(story: Story) -> None:
    last = story.phone(LAST_RESORT)
    raises_pus(story)
    code = last.expects_page("URGENT", "pus")
    last.expects_call("urgent")
    assert [event.detail["stage"] for event in story.events("nobody_on_call")] == ["everyone"]
    last.texts(code)
    last.expects("It is yours")
    assert story.alert().state == "taken"
    last.texts(f"{code} A")
    last.expects("Recorded")


def test_with_nobody_at_all_every_round_is_recorded_and_the_alert_stays_open(story: Story) -> None:
    story.forget_last_resort()
    raises_pus(story)
    story.forward(hours=1)
    assert len(story.events("nobody_to_page")) >= 4
    assert story.alert().step_at is not None


def test_a_page_that_cannot_be_delivered_moves_on_at_once(story: Story) -> None:
    nurse, dentist = story.staff(tier=1), story.staff("Dr Lin", "+12025550172", tier=2)
    story.carrier.off[nurse.number] = 30003
    raises_pus(story)
    dentist.takes(dentist.expects_page("URGENT"))
    assert len(story.events("page_lost")) == 1


def test_when_every_number_is_dead_the_rounds_go_on_without_end_and_without_haste(story: Story) -> None:
    nurse = story.staff()
    story.carrier.off |= {nurse.number: 30006, LAST_RESORT: 30006}
    raises_pus(story)
    first = len(story.all(Page))
    story.forward(hours=2)
    assert first < len(story.all(Page)) < 40
    del story.carrier.off[nurse.number]
    story.forward(minutes=31)
    assert "URGENT" in nurse.new_texts()[0]


def test_one_dead_phone_in_a_tier_does_not_hurry_the_others(story: Story) -> None:
    nurse, other = story.staff(), story.staff("Dr Lin", "+12025550172")
    story.carrier.off[nurse.number] = 30003
    raises_pus(story)
    story.forward(minutes=10)
    other.takes(other.expects_page("URGENT"))


def test_a_hand_over_that_does_not_arrive_is_paged_anew(story: Story) -> None:
    nurse, dentist = story.staff(tier=1), story.staff("Dr Lin", "+12025550172", tier=2)
    raises_pus(story)
    nurse.takes(nurse.expects_page("URGENT"))
    story.carrier.off[dentist.number] = 30005
    alert = story.alert().id
    with transaction(story.app.sessions) as session:
        giver, to = session.scalars(select(Staff).order_by(Staff.id)).all()
        hand_over(session, find_alert(session, alert), to, by=giver, now=story.app.clock.now())
    story.forward(minutes=1)
    nurse.takes(nurse.expects_page("URGENT"))  # the dentist's phone is dead, so everybody is asked
    assert story.alert().taken_by_id == giver.id
    assert "staff_unreachable" in story.tasks()


def test_who_cannot_be_told_that_the_patient_wrote_again_has_the_alert_no_more(story: Story) -> None:
    nurse, dentist = story.staff(tier=1), story.staff("Dr Lin", "+12025550172", tier=2)
    ann = raises_pus(story)
    nurse.takes(nurse.expects_page("URGENT"))
    story.carrier.off[nurse.number] = 30005
    ann.texts("can I eat nuts again?")
    story.forward(minutes=1)
    dentist.takes(dentist.expects_page("URGENT"))


def test_a_page_while_the_provider_is_out_of_reach_is_tried_until_it_goes(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    story.carrier.failing[nurse.number] = GatewayUnreachable()
    ann.texts("there is pus")
    ann.expects("The team has been told")
    story.forward(minutes=1)
    del story.carrier.failing[nurse.number]
    story.forward(minutes=3)
    nurse.takes(nurse.expects_page("URGENT"))


def test_taken_and_then_no_outcome_in_time_pages_whoever_is_on_duty(story: Story) -> None:
    nurse, dentist = story.staff(tier=1), story.staff("Dr Lin", "+12025550172", tier=2)
    ann = raises_pus(story)
    nurse.takes(nurse.expects_page("URGENT"))
    story.forward(hours=3, minutes=59)
    nurse.expects_nothing()
    story.forward(minutes=2)
    again = nurse.expects_page("NO OUTCOME YET", "pus")
    ann.expects("We said we would call by Mon 2 Nov 16:00", "sorry")
    story.forward(minutes=15)
    dentist.takes(dentist.expects_page("NO OUTCOME YET"))
    dentist.texts("A")
    dentist.expects("Recorded: advised by phone")
    nurse.texts(again)
    nurse.expects("taken it already")


def test_an_emergency_wants_its_outcome_within_half_an_hour(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("I can't breathe")
    ann.expects("call 911 now")
    nurse.expects_call()
    nurse.takes(nurse.expects_page("EMERGENCY"))
    story.forward(minutes=31)
    code = nurse.expects_page("NO OUTCOME YET")
    nurse.expects_call()
    ann.expects("We said we would call")
    nurse.texts(f"{code} G")
    nurse.expects("Recorded: sent to emergency care")


def test_a_promise_that_slips_is_told_and_the_second_time_the_patient_is_asked_to_call(story: Story) -> None:
    story.forget_last_resort()
    ann = raises_pus(story)
    assert story.alert().told_by_at == story.moment("2026-11-02 16:00")
    story.forward(hours=4, minutes=5)
    ann.expects("We said we would call by Mon 2 Nov 16:00", "by Mon 2 Nov 20:00 now")
    story.forward(hours=4, minutes=5)
    ann.expects("nobody has reached you yet", "+12025550150", "911")
    story.forward(days=1)
    ann.expects_nothing()
