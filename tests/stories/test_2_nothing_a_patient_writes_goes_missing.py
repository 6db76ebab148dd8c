"""Promise 2: whatever a patient writes is read, or a person reads it."""

from __future__ import annotations

import pytest

from monitor.db import transaction
from monitor.models import Assessment, CheckIn, Episode, Inbound
from monitor.services.change import cancel_episode
from tests.story import Story


def test_a_check_in_in_digits(story: Story) -> None:
    ann = story.asked(day=7)
    ann.texts("2")
    ann.expects("Pain 2.", "swelling or redness")
    ann.texts("1")
    ann.expects("Gum going down.", "Any of these")
    ann.texts("0")
    ann.expects("Thank you, noted", "Next check-in")
    assert story.all(CheckIn, CheckIn.day == 7)[0].state == "answered"
    assert [a.band for a in story.all(Assessment)] == ["expected"] * 3


def test_what_a_text_answers_already_is_not_asked_again(story: Story) -> None:
    ann = story.asked(day=7)
    ann.texts("pain is 2 and the swelling is going down")
    ann.expects("Pain 2.", "Any of these")
    ann.texts("none of those")
    ann.expects("Thank you, noted")


def test_several_texts_in_a_row_make_one_answer(story: Story) -> None:
    ann = story.asked(day=7)
    ann.types("pain 2")
    ann.types("the swelling is going down")
    ann.types("thanks")
    story.run()
    story.forward(seconds=4)
    ann.expects("Any of these")
    ann.texts("0")
    ann.expects("Thank you, noted")


def test_joining_texts_never_delays_an_answer_by_more_than_5_seconds(story: Story) -> None:
    ann = story.asked(day=7)
    ann.types("2")
    story.run()
    story.forward(seconds=1)
    ann.expects_nothing()
    story.forward(seconds=4)
    ann.expects("Pain 2.")


def test_a_digit_typed_twice_does_not_answer_the_question_that_has_not_been_shown(story: Story) -> None:
    """The second 3 means the pain as well: a gum that got worse would be an urgent alert."""
    ann = story.asked(day=7)
    ann.types("3")
    ann.types("3")
    story.run()
    story.forward(seconds=4)
    ann.expects("Pain 3.", "swelling or redness")
    ann.texts("0")
    ann.expects("Gum calm", "Any of these")
    ann.texts("0")
    ann.expects("Thank you, noted")


def test_a_digit_typed_again_a_second_later_does_not_either(story: Story) -> None:
    ann = story.asked(day=7)
    ann.types("3")
    story.run()
    story.forward(seconds=1)
    ann.types("3")
    story.run()
    story.forward(seconds=4)
    ann.expects("Pain 3.", "swelling or redness")
    ann.texts("0")
    ann.texts("0")
    ann.expects_all("Gum calm", "Thank you, noted")


def test_what_cannot_be_read_is_asked_once_more_and_then_read_by_a_person(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("???")
    ann.expects("could not read that", "worst pain")
    ann.texts("!!!")
    ann.expects("A person at Smile Dental will read this", "Tue 3 Nov 18:00")
    alert = story.alert()
    assert (alert.band, alert.kind) == ("soon", "review")
    story.until("2026-11-03 12:00")
    digest, page = nurse.expects_all("1 waiting", "SOON")
    nurse.takes(story.code_in(page))
    nurse.closes(story.code_in(page))
    assert story.code_in(page) not in digest


def test_an_unreadable_text_out_of_the_blue_is_asked_about_once(story: Story) -> None:
    ann = story.patient(day=30)
    ann.texts("???")
    ann.expects("could not read that", "plain words")
    ann.texts("...")
    ann.expects("A person at Smile Dental will read this")
    assert story.alert().kind == "review"
    story.forward(hours=1)


def test_a_bare_number_with_no_question_open_is_asked_about(story: Story) -> None:
    ann = story.patient(day=30)
    ann.texts("7")
    ann.expects("number 7", "no question open")
    ann.texts("pain 1")
    ann.expects("Thank you, noted")


def test_a_number_that_answers_a_question_of_three_days_ago_is_asked_about(story: Story) -> None:
    ann = story.asked(day=7)
    story.until("2026-11-02 16:05")
    ann.expects("Reminder", "worst pain")
    story.outage(days=3)
    ann.texts("2")
    ann.expects("no question open")


def test_a_year_later_an_unprompted_text_is_scored_all_the_same(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=400)
    story.forward(seconds=6)
    ann.expects("yearly check")
    ann.texts("my gum is red around the implant and it hurts to chew")
    code = nurse.expects_page("URGENT", "day 400", "redness", "pain on biting")
    ann.expects("The team has been told", "Mon 2 Nov 16:00")
    nurse.takes(code)
    nurse.closes(code, "B")


def test_a_cancelled_episode_is_still_listened_to(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    with transaction(story.app.sessions) as session:
        cancel_episode(session, session.get_one(Episode, ann.episode), now=story.clock.now())
    ann.texts("there is pus")
    ann.expects("The team has been told: pus")
    nurse.takes(nurse.expects_page("URGENT", "pus"))


def test_a_wish_for_another_appointment_goes_to_the_front_desk(story: Story) -> None:
    ann = story.patient(day=42)
    story.forward(seconds=6)
    ann.expects("6-week review")
    ann.texts("can I reschedule to Friday?")
    ann.expects("come back to you about your appointment", "Tue 3 Nov 18:00")
    assert story.alert().kind == "review"


def test_a_question_is_answered_by_a_person(story: Story) -> None:
    ann = story.patient(day=30)
    ann.texts("when can I play football again?")
    ann.expects("A person at Smile Dental will read this")
    assert story.alert().kind == "review"
    assert "football" in story.alert().reasons[0]["said"]


def test_two_questions_are_both_shown_to_the_person_who_reads_them(story: Story) -> None:
    ann = story.patient(day=30)
    ann.texts("when can I play football again?")
    ann.expects("A person at Smile Dental")
    ann.texts("and can I eat nuts?")
    ann.new_texts()
    said = " ".join(reason["said"] for reason in story.alert().reasons)
    assert "football" in said
    assert "nuts" in said


def test_a_photo_alone_is_looked_at_by_a_person(story: Story) -> None:
    ann = story.patient(day=30)
    ann.sends_photo()
    ann.expects("A person at Smile Dental")
    assert story.alert().kind == "review"


def test_thanks_needs_no_answer(story: Story) -> None:
    ann = story.patient(day=30)
    ann.texts("thank you!")
    ann.expects_nothing()


def test_all_good_in_answer_to_a_question_closes_it(story: Story) -> None:
    ann = story.asked(day=7)
    ann.texts("all good, no pain")
    asked = [*ann.new_texts()]
    for _ in range(2):
        if "Thank you" not in asked[-1]:
            ann.texts("0")
            asked += ann.new_texts()
    assert "Thank you, noted" in asked[-1]


@pytest.mark.parametrize("text", ["🦷", "\x00", "مرحبا بالعالم", "x" * 1600, "ÿþ", " ", "'; DROP TABLE patients;--"])
def test_strange_texts_are_asked_about_and_never_lost(story: Story, text: str) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts(text)
    ann.expects_one_of("could not read that", "A person at Smile Dental", "The team has been told")
    assert story.all(Inbound)[0].handled_at is not None
    nurse.new_texts()


def test_a_text_that_breaks_the_reader_becomes_staff_work(story: Story) -> None:
    """No such text is known; an earlier assessment that nothing can read any more stands in for it."""
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("pain 1")
    ann.expects("Thank you, noted")
    story.spoil_history(ann)
    story.expects_error("reading inbound 2 failed")
    ann.types("something")
    story.run()
    story.forward(seconds=10)
    nurse.takes(nurse.expects_page("URGENT", "day 30", "a message to read"))
    assert story.results()[1] == "failed"
    assert "could not handle" in story.alert().reasons[0]["text"]


def test_a_text_that_breaks_the_reader_does_not_hold_up_the_others(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("pain 1")
    ann.expects("Thank you, noted")
    story.spoil_history(ann)
    bob = story.patient("Bob Dylan", "+12025550102", day=30)
    story.expects_error("reading inbound 2 failed")
    ann.types("something")
    bob.types("pus")
    story.run()
    bob.expects("The team has been told: pus")
    story.forward(seconds=10)
    nurse.expects_all("URGENT", "URGENT")


def test_texts_of_an_outage_are_read_when_it_ends(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.types("2")
    story.clock.forward(minutes=3)
    ann.types("swelling down but there is pus")
    story.outage(days=2)
    page, _ = nurse.expects_all("URGENT", "1 waiting")
    nurse.takes(story.code_in(page))
    assert any("The team has been told: pus" in text for text in ann.new_texts())
