"""Promise 4, continued: nights, mornings, weekends, holidays and shifts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.db import transaction
from monitor.services.rota import add_cover, add_shift
from tests.stories.people import raises_pus
from tests.story import Story


@pytest.mark.parametrize(("language", "text"), [("en", "there is pus"), ("es", "tengo pus"), ("ru", "у меня гной")])
def test_a_clinic_without_a_number_for_the_night_names_the_emergency_number_once(
    story: Story, language: str, text: str
) -> None:
    ann = story.patient(day=30, welcome=False, language=language)
    ann.expects("STOP")
    story.until("2026-11-02 22:30")
    ann.texts(text)
    assert ann.expects("11:00").count("911") == 1


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
    ann.expects("Worse tonight", "Tue 3 Nov 11:00")


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
