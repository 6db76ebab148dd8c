"""Promise 4: until somebody has taken it and the patient was helped, the next person is paged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.db import transaction
from monitor.errors import GatewayUnreachable
from monitor.models import Alert, Page
from monitor.services.staff import add_cover, add_shift
from tests.story import Phone, Someone, Story

LAST_RESORT = "+12025550199"


def raises_pus(story: Story) -> Someone:
    ann = story.patient(day=30)
    ann.texts("there is pus")
    ann.expects("The team has been told: pus", "by Mon 2 Nov 16:00")
    return ann


def test_pus_is_paged_taken_and_closed(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30, chart="C-12")
    ann.texts("there is pus")
    ann.expects("The team has been told: pus")
    page = nurse.expects("URGENT Smile Dental: A.C. chart C-12 day 30: pus.", "/alerts/1", "to take it")
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


def test_not_reached_hands_the_alert_back_to_paging(story: Story) -> None:
    nurse = story.staff()
    raises_pus(story)
    code = nurse.expects_page("URGENT")
    nurse.takes(code)
    nurse.texts(f"{code} I")
    nurse.expects("patient not reached", "go on paging")
    story.forward(minutes=16)
    nurse.takes(nurse.expects_page("URGENT"))


def test_a_worse_finding_pages_again_even_after_it_was_taken(story: Story) -> None:
    nurse = story.staff()
    ann = raises_pus(story)
    nurse.takes(nurse.expects_page("URGENT", "pus"))
    ann.texts("now the swelling is spreading down my neck")
    nurse.takes(nurse.expects_page("EMERGENCY", "spreading swelling, pus"))
    nurse.expects_call()
    ann.expects("call 911 now")
    assert len(story.all(Alert)) == 1


def test_a_further_urgent_sign_pages_again_and_the_same_one_does_not(story: Story) -> None:
    nurse = story.staff()
    ann = raises_pus(story)
    nurse.takes(nurse.expects_page("URGENT", "pus"))
    ann.texts("still pus")
    nurse.expects_nothing()
    ann.texts("and the implant is loose")
    nurse.takes(nurse.expects_page("URGENT", "loose implant or cap, pus"))
    ann.new_texts()


def test_a_lesser_finding_while_somebody_has_it_is_added_without_a_page(story: Story) -> None:
    nurse = story.staff()
    ann = raises_pus(story)
    code = nurse.expects_page("URGENT", "pus")
    nurse.takes(code)
    ann.texts("how long until I can smoke?")
    ann.new_texts()
    nurse.expects_nothing()
    assert any(reason["rule"].startswith("review") for reason in story.alert().reasons)
    nurse.closes(code)


def test_a_bare_ok_takes_the_one_open_page(story: Story) -> None:
    nurse = story.staff()
    raises_pus(story)
    nurse.expects_page("URGENT")
    nurse.texts("ok")
    nurse.expects("It is yours")


def test_a_bare_ok_with_two_open_pages_takes_neither(story: Story) -> None:
    nurse = story.staff()
    raises_pus(story)
    bob = story.patient("Bob Dylan", "+12025550102", day=30)
    bob.texts("my implant is loose")
    bob.expects("The team has been told")
    nurse.expects_all("URGENT", "URGENT")
    nurse.texts("ok")
    nurse.expects("2 open pages", "code")
    assert {alert.state for alert in story.all(Alert)} == {"open"}


def test_the_code_of_another_person_takes_nothing(story: Story) -> None:
    nurse, other = story.staff(), story.staff("Dr Lin", "+12025550172")
    raises_pus(story)
    nurse.expects_page("URGENT")
    code = other.expects_page("URGENT")
    nurse.texts(code)
    nurse.expects("could not match")
    assert story.alert().state == "open"
    other.takes(code)


def test_who_comes_second_is_told_who_has_it(story: Story) -> None:
    nurse, other = story.staff(), story.staff("Dr Lin", "+12025550172")
    raises_pus(story)
    mine, hers = nurse.expects_page("URGENT"), other.expects_page("URGENT")
    other.takes(hers)
    nurse.texts(mine)
    nurse.expects("Dr Lin has taken it already")


def test_an_old_code_never_takes_a_new_alert(story: Story) -> None:
    nurse = story.staff()
    ann = raises_pus(story)
    old = nurse.expects_page("URGENT")
    nurse.takes(old)
    nurse.closes(old)
    story.forward(days=2)
    ann.texts("the pus is back")
    ann.expects("The team has been told")
    new = nurse.expects_page("URGENT")
    nurse.texts(old)
    nurse.new_texts()
    assert story.all(Alert)[-1].state == "open"
    assert new != old
    nurse.takes(new)


def test_codes_are_never_given_twice_to_one_phone(story: Story) -> None:
    nurse = story.staff()
    raises_pus(story)
    story.forward(hours=9)
    codes = [page.code for page in story.all(Page, Page.phone == nurse.number)]
    assert len(codes) == len(set(codes)) > 10
    nurse.new_texts()
    story.phone(LAST_RESORT).new_texts()
    story.unread(LAST_RESORT, call=True)
    story.unread("+12025550101")


def test_at_night_what_can_wait_waits_until_seven_and_the_patient_gets_the_number_for_the_night(story: Story) -> None:
    story.clinic(out_of_hours_phone="+12025550160")
    nurse = story.staff()
    ann = story.patient(day=30)
    story.until("2026-11-02 22:30")
    ann.texts("there is pus")
    ann.expects("call you by Tue 3 Nov 11:00 about: pus", "Worse tonight? Call +12025550160")
    nurse.expects_nothing()
    story.until("2026-11-03 06:59")
    nurse.expects_nothing()
    story.until("2026-11-03 07:00")
    nurse.takes(nurse.expects_page("URGENT", "pus"))


@pytest.mark.parametrize("text", ["fever 39.4", "the healing cap fell out", "fever 38.5 and pus"])
def test_what_cannot_wait_is_paged_at_night(story: Story, text: str) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    story.until("2026-11-03 02:00")
    ann.texts(text)
    nurse.takes(nurse.expects_page("URGENT"))
    assert "They will call you by Tue 3 Nov 06:00" in ann.new_texts()[0]


def test_a_fever_of_38_waits_for_the_morning(story: Story) -> None:
    story.staff()
    ann = story.patient(day=30)
    story.until("2026-11-03 02:00")
    ann.texts("fever 38.2")
    ann.expects("Worse tonight?", "Tue 3 Nov 11:00")


def test_soon_is_in_the_morning_digest_and_paged_at_noon_if_nobody_took_it(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("it hurts when I chew")
    ann.expects("We will call you by Tue 3 Nov 18:00 about: pain on biting")
    nurse.expects_nothing()
    story.until("2026-11-03 08:01")
    nurse.expects("1 waiting", "A.C. chart - day 30: pain on biting")
    story.until("2026-11-03 11:59")
    nurse.expects_nothing()
    story.until("2026-11-03 12:00")
    nurse.takes(nurse.expects_page("SOON", "pain on biting"))


def test_a_code_of_the_digest_takes_the_alert(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("it hurts when I chew")
    ann.expects("We will call you")
    story.until("2026-11-03 08:01")
    code = nurse.expects("1 waiting").split("(")[1].split(")")[0]
    nurse.takes(code)
    story.until("2026-11-03 13:00")
    nurse.expects_nothing()
    nurse.closes(code)


@pytest.mark.parametrize(
    ("written", "paged"),
    [
        ("2026-11-05 15:00", "2026-11-06 12:00"),  # Thursday: Friday noon
        ("2026-11-06 10:00", "2026-11-07 12:00"),  # Friday: Monday noon would be more than 48 hours away
        ("2026-11-07 13:00", "2026-11-09 12:00"),  # Saturday afternoon: Monday noon
        ("2026-11-25 15:00", "2026-11-27 12:00"),  # the day before Thanksgiving: Friday noon
        ("2026-11-25 09:00", "2026-11-26 12:00"),  # in the morning: Friday noon would be too late
    ],
)
def test_soon_over_a_weekend_or_holiday_is_never_later_than_48_hours(story: Story, written: str, paged: str) -> None:
    nurse = story.staff()
    ann = story.patient(day=100)
    story.forward(seconds=6)
    story.outage(until=written)
    ann.new_texts()
    ann.texts("it hurts when I chew")
    ann.expects("We will call you by")
    story.forward(until=story.moment(paged) - timedelta(minutes=1))
    assert not any("SOON" in text for text in nurse.new_texts())
    story.until(paged)
    nurse.takes(nurse.expects_page("SOON"))


def test_a_clinic_closed_at_the_weekend_writes_no_digest_then(story: Story) -> None:
    nurse = story.staff()
    story.until("2026-11-06 22:00")
    story.run()
    ann = story.patient(day=30, welcome=False)
    ann.texts("can I eat nuts?")
    ann.new_texts()
    story.until("2026-11-08 11:00")
    nurse.expects_nothing()
    ann.new_texts()


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


def test_shifts_follow_the_clinics_clock_and_a_cover_replaces_somebody_for_once(story: Story) -> None:
    ray, lin = story.staff(), story.staff("Dr Lin", "+12025550172")
    with transaction(story.app.sessions) as session:
        add_shift(session, ray.id, "mon-fri", "08:00", "18:00", now=story.clock.now())
        add_shift(session, lin.id, "mon-fri", "18:00", "08:00", now=story.clock.now())
        add_cover(session, lin.id, "2026-11-03 08:00", "2026-11-03 18:00", instead_of=ray.id, now=story.clock.now())
    ann = raises_pus(story)
    ray.closes(ray.expects_page("URGENT"))
    story.until("2026-11-03 12:00")
    ann.texts("the implant is loose")
    lin.closes(lin.expects_page("URGENT"))
    story.until("2026-11-04 12:00")
    ann.texts("and a fever of 38.5")
    ray.closes(ray.expects_page("URGENT"))
    ann.new_texts()


def test_a_tier_with_nobody_on_shift_is_passed_at_once(story: Story) -> None:
    ray, lin = story.staff(), story.staff("Dr Lin", "+12025550172", tier=2)
    with transaction(story.app.sessions) as session:
        add_shift(session, ray.id, "sat-sun", "08:00", "18:00", now=story.clock.now())
    raises_pus(story)
    lin.takes(lin.expects_page("URGENT"))
    ray.expects_nothing()
    assert story.events("nobody_on_call")[0].detail["stage"] == "tier 1"


def test_staff_who_are_patients_too_are_read_as_both(story: Story) -> None:
    nurse = story.staff()
    story.patient("Ray Nurse", nurse.number, day=30)
    nurse.texts("my own implant is loose")
    texts = nurse.new_texts()
    assert any(text.startswith("URGENT") for text in texts)
    assert any("The team has been told" in text for text in texts)


def test_an_unknown_phone_with_a_code_takes_nothing(story: Story) -> None:
    nurse = story.staff()
    raises_pus(story)
    code = nurse.expects_page("URGENT")
    stranger: Phone = story.phone()
    stranger.texts(code)
    stranger.expects("We do not know this number")
    assert story.all(Alert)[0].state == "open"
    nurse.takes(code)
