"""Paging as a review wanted it: what wakes people, what lets them sleep."""

from __future__ import annotations

from tests.story import Story


def test_a_fever_that_turns_out_high_at_night_is_paged_at_once(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    story.until("2026-11-03 23:30")
    ann.texts("I have a fever")
    ann.expects_all("Worse tonight", "How high")
    nurse.expects_nothing()
    ann.texts("39.6")
    nurse.takes(nurse.expects_page("URGENT", "fever"))
    ann.new_texts()


def test_urgent_just_before_ten_climbs_on_and_the_call_is_promised_for_the_day(story: Story) -> None:
    nurse, doctor = story.staff(), story.staff("Dr Lin", "+12025550172", tier=2)
    ann = story.patient(day=30)
    story.until("2026-11-03 21:50")
    ann.texts("there is pus")
    ann.expects("Worse tonight", "Wed 4 Nov 10:50")
    nurse.expects_page("URGENT", "pus")
    story.until("2026-11-03 22:06")
    doctor.takes(doctor.expects_page("URGENT", "pus"))


def test_a_second_emergency_is_answered_too(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("swelling is spreading down my neck")
    ann.expects("Please call 911 now")
    nurse.expects_page("EMERGENCY", "spreading swelling")
    nurse.expects_call()
    ann.texts("now I can't breathe")
    ann.expects("Please call 911 now", "hard to breathe")
    code = nurse.expects_page("EMERGENCY", "hard to breathe")
    nurse.expects_call()
    nurse.takes(code)


def test_a_silent_weekend_rings_nobody(story: Story) -> None:
    nurse = story.staff()
    last = story.phone("+12025550199")
    ann = story.asked(day=7)
    story.until("2026-11-03 09:00")
    ann.new_texts()
    nurse.new_texts()
    last.expects_nothing()
