"""Promise 1: every planned text ends as delivered, or with the reason why not."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from monitor.db import transaction
from monitor.models import Episode
from monitor.services.change import cancel_episode, change_episode
from tests.stories.people import answers_that_all_is_well, on_day_3
from tests.story import CHECKIN, FIRST_TEXT, Someone, Story


def states(story: Story, ann: Someone) -> dict[str, str]:
    return {key: row.state for key, row in story.plan(ann).items()}


def change(story: Story, ann: Someone, **changes: object) -> None:
    with transaction(story.app.sessions) as session:
        episode = session.get_one(Episode, ann.episode)
        change_episode(session, episode, now=story.clock.now(), **changes)  # type: ignore[arg-type]
    story.run()


def test_from_surgery_to_day_14_each_text_comes_on_its_day(story: Story) -> None:
    ann = story.patient(day=0)
    story.until("2026-11-02 18:01")
    ann.expects("no rinsing")
    story.until("2026-11-03 09:01")
    ann.expects("still numb")
    ann.texts("no")
    ann.expects("Thank you, noted")
    story.until("2026-11-05 11:01")
    ann.expects("no sauna")
    for day in ("2026-11-06 11:01", "2026-11-09 11:01", "2026-11-16 11:01"):
        story.until(day)
        ann.expects(CHECKIN)
        answers_that_all_is_well(ann)
    for step in ("care", "safety", "advice", "checkin-4", "checkin-7", "checkin-14"):
        assert states(story, ann)[step] == "delivered"


def test_enrolled_on_day_5_is_asked_the_questions_of_day_4_now(story: Story) -> None:
    ann = story.patient(day=5)
    story.forward(seconds=6)
    ann.expects("day 4", CHECKIN)
    answers_that_all_is_well(ann)
    plan = story.plan(ann)
    assert plan["care"].state == "skipped"
    assert plan["care"].why == "its time had passed when it was planned"
    assert plan["advice"].state == "expired", "one scheduled text a day, and tomorrow it is of no use"
    assert "no time to send it" in (plan["advice"].why or "")


def test_enrolled_on_day_8_is_asked_the_questions_of_day_7_and_those_of_day_4_are_skipped(story: Story) -> None:
    ann = story.patient(day=8, stitches="removable")
    story.forward(seconds=6)
    ann.expects("day 7", CHECKIN)
    answers_that_all_is_well(ann)
    assert states(story, ann)["checkin-4"] == "skipped"
    story.until("2026-11-03 12:30")
    ann.expects("stitches should come out")


def test_enrolled_on_day_400_gets_what_is_still_of_use_and_a_reason_for_the_rest(story: Story) -> None:
    ann = story.patient(day=400)
    story.forward(seconds=6)
    ann.expects("yearly check", "X-ray")
    skipped = {key for key, row in story.plan(ann).items() if row.state == "skipped"}
    assert {"care", "safety", "checkin-4", "checkin-7", "checkin-14", "review", "crown", "maintenance"} <= skipped
    assert all(row.why for row in story.plan(ann).values() if row.state == "skipped")
    story.outage(days=160)
    story.until("2027-04-29 11:30")
    ann.expects("half-yearly check")


def test_enrolled_at_night_the_first_text_waits_for_the_morning(story: Story) -> None:
    story.until("2026-11-02 22:30")
    ann = story.patient(day=7, welcome=False)
    ann.expects_nothing()
    story.until("2026-11-03 08:59")
    ann.expects_nothing()
    story.until("2026-11-03 09:01")
    ann.expects_all(FIRST_TEXT, CHECKIN)
    answers_that_all_is_well(ann)


def test_a_planned_surgery_is_followed_from_its_own_day(story: Story) -> None:
    ann = story.patient(surgery_on=date(2026, 11, 12))
    story.until("2026-11-12 18:01")
    ann.expects("no rinsing")
    story.until("2026-11-13 09:01")
    ann.expects("still numb")


@pytest.mark.parametrize(
    ("zone", "night", "before", "after"),
    [
        ("America/New_York", date(2027, 3, 14), "2027-03-13", "2027-03-14"),  # an hour is skipped
        ("America/New_York", date(2026, 11, 1), "2026-10-31", "2026-11-01"),  # an hour comes twice
        ("Europe/Berlin", date(2027, 3, 28), "2027-03-27", "2027-03-28"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24", "2026-10-25"),
    ],
)
def test_on_both_bad_nights_of_the_year_the_text_comes_at_its_hour(
    story: Story, zone: str, night: date, before: str, after: str
) -> None:
    """The check-in of day 4 falls on the morning after the clocks change."""
    surgery = date.fromordinal(night.toordinal() - 4)
    story.clock.move_to(story.moment(f"{surgery} 12:00", zone))
    story.clinic(timezone=zone)
    ann = story.patient(surgery_on=surgery, timezone=zone)
    due = story.plan(ann)["checkin-4"].due_at
    story.outage(days=3, hours=6)
    story.until(f"{before} 20:00", zone)
    ann.new_texts()
    story.until(f"{after} 09:59", zone)
    ann.expects_nothing()
    story.until(f"{after} 11:01", zone)
    ann.expects("day 4", CHECKIN)
    assert f"{due.astimezone(ZoneInfo(zone)):%Y-%m-%d %H}" == f"{after} 10"


def test_a_changed_surgery_date_moves_what_has_not_been_sent(story: Story) -> None:
    ann = on_day_3(story)
    change(story, ann, surgery_on=date(2026, 10, 31))  # a day later than was first written down
    story.run()
    ann.expects("still numb")  # never asked, and on day 2 not too late
    story.until("2026-11-04 09:59")
    ann.expects_nothing()
    story.until("2026-11-04 11:01")
    ann.expects("day 4", CHECKIN)
    answers_that_all_is_well(ann)


def test_a_patient_who_moves_is_texted_by_the_new_clock(story: Story) -> None:
    ann = on_day_3(story)
    change(story, ann, timezone="America/Los_Angeles")
    story.until("2026-11-03 09:59", "America/Los_Angeles")
    ann.expects_nothing()
    story.until("2026-11-03 11:01", "America/Los_Angeles")
    ann.expects("day 4")
    answers_that_all_is_well(ann)


def test_a_cancelled_episode_sends_no_more_and_says_why(story: Story) -> None:
    ann = on_day_3(story)
    with transaction(story.app.sessions) as session:
        cancel_episode(session, session.get_one(Episode, ann.episode), now=story.clock.now())
    story.forward(days=20)
    ann.expects_nothing()
    waiting = [row for row in story.plan(ann).values() if row.state == "planned"]
    assert waiting == []
    assert {row.why for row in story.plan(ann).values() if row.state == "cancelled"} == {"cancelled by staff"}


def test_a_second_implant_is_one_conversation_without_doubled_questions(story: Story) -> None:
    """Day 14 of the first and day 4 of the second fall on one morning: the questions come once."""
    ann = story.patient(day=10)
    story.forward(seconds=6)
    ann.expects("day 7", CHECKIN)
    answers_that_all_is_well(ann)
    second = story.patient(day=0, welcome=False)
    assert second.id == ann.id
    story.until("2026-11-03 09:01")
    ann.expects_all("no rinsing", "still numb")
    ann.texts("no")
    ann.expects("Thank you, noted")
    story.until("2026-11-05 11:31")
    ann.expects("no sauna")
    story.until("2026-11-06 11:01")
    ann.expects(CHECKIN)
    answers_that_all_is_well(ann)
    story.until("2026-11-08 20:00")
    ann.expects_nothing()
    skipped = [row for one in (ann, second) for row in story.plan(one).values() if "other episode" in (row.why or "")]
    assert len(skipped) == 1


def test_two_patients_on_one_phone_each_get_their_own_texts(story: Story) -> None:
    phone = "+12025550101"
    ann = story.patient("Ann Carter", phone, day=5)
    story.forward(seconds=6)
    ann.expects("day 4")
    story.patient("Bob Carter", phone, day=0)
    story.until("2026-11-02 18:01")
    ann.expects_all("Reminder", "no rinsing")


def test_after_a_week_without_the_program_only_what_is_still_of_use_is_sent(story: Story) -> None:
    ann = story.patient(day=1)
    story.forward(seconds=6)
    ann.expects("still numb")
    story.outage(days=7)
    ann.expects("day 7", CHECKIN)
    plan = story.plan(ann)
    assert plan["checkin-4"].state == "expired"
    assert plan["advice"].state == "expired"
    assert plan["advice"].why
    answers_that_all_is_well(ann)
    story.until("2026-11-15 11:01")
    ann.expects("day 14")
    answers_that_all_is_well(ann)


def test_after_a_short_night_outage_nothing_wakes_the_patient(story: Story) -> None:
    ann = on_day_3(story)
    story.outage(hours=34)  # over the hour of the check-in, to ten at night
    ann.expects_nothing()
    story.until("2026-11-04 09:01")
    ann.expects("day 4", CHECKIN)
    answers_that_all_is_well(ann)


def test_at_most_one_scheduled_text_a_day(story: Story) -> None:
    ann = story.patient(day=7, stitches="removable")
    story.forward(seconds=6)
    ann.expects("day 7")
    answers_that_all_is_well(ann)
    story.until("2026-11-03 11:30")
    ann.expects("stitches")
    days = [row.sent_at.date() for row in story.plan(ann).values() if row.sent_at and row.kind != "welcome"]
    assert len(days) == len(set(days))


def test_the_endless_reminders_are_written_on_year_after_year(story: Story) -> None:
    ann = story.patient(day=30)
    for _ in range(8):
        story.outage(days=100)
        story.forward(days=1)
    keys = story.plan(ann).keys()
    assert {"maintenance", "maintenance#1", "maintenance-xray", "maintenance-xray#1"} <= keys
    reasons = {row.why for row in story.plan(ann).values() if row.state in {"skipped", "expired"}}
    assert reasons == {
        "its time had passed when it was planned",
        "its time had passed before it could be sent",
        "not for this patient: needs removable_stitches_plain",
        "not for this patient: needs removable_stitches_flap",
    }
    ann.new_texts()
