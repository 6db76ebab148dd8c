"""Promise 4, continued: who takes an alert, with which words, and what pages again."""

from __future__ import annotations

import pytest

from monitor.models import Alert, Page
from tests.stories.people import raises_pus
from tests.story import Phone, Story

LAST_RESORT = "+12025550199"


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


def test_a_lesser_finding_while_somebody_has_it_is_added_and_told_without_a_page(story: Story) -> None:
    nurse = story.staff()
    ann = raises_pus(story)
    code = nurse.expects_page("URGENT", "pus")
    nurse.takes(code)
    ann.texts("how long until I can smoke?")
    ann.new_texts()
    nurse.expects("whom you have, wrote again")
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


@pytest.mark.parametrize("text", ["what is this?", "I will have a look in a minute", "9999", "+"])
def test_who_is_not_understood_reads_which_page_is_open_and_what_takes_it(story: Story, text: str) -> None:
    nurse = story.staff()
    raises_pus(story)
    code = nurse.expects_page("URGENT")
    nurse.texts(text)
    assert nurse.expects_page("could not match", "one open page", "A.C. chart -", "pus") == code
    nurse.takes(code)


def test_who_is_not_understood_about_what_got_worse_is_given_no_code_of_before(story: Story) -> None:
    nurse = story.staff()
    ann = raises_pus(story)
    old = nurse.expects_page("URGENT")
    ann.types("now I cannot breathe")
    nurse.types("hm?")
    story.run()
    answer, page = sorted(nurse.new_texts(), key=lambda text: "EMERGENCY" in text)
    assert "could not match" in answer
    assert old not in answer + page
    nurse.expects_call("emergency")
    ann.expects("call 911 now")


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
