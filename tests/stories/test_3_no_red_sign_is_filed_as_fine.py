"""Promise 3: a text that asserts a red sign anywhere, whatever was asked, cannot be closed."""

from __future__ import annotations

import pytest

from monitor.models import Alert, Assessment
from tests.story import Story

RED = {
    "there is pus": "pus",
    "I have a fever of 38.5": "fever",
    "the implant is loose": "loose",
    "the cap fell out": "out",
    "my lip is numb": "numbness",
    "I can't breathe well": "breathe",
    "the swelling goes down my neck": "spreading swelling",
    "the bleeding won't stop": "heavy bleeding",
}
EMERGENCIES = {"I can't breathe well", "the swelling goes down my neck", "the bleeding won't stop"}
LEADS_TO = {"pain": [], "gum": ["1"], "signs": ["1", "1"]}


@pytest.mark.parametrize("question", LEADS_TO)
@pytest.mark.parametrize("text", RED)
def test_a_red_sign_in_answer_to_any_question_is_paged_at_once(story: Story, question: str, text: str) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    for answer in LEADS_TO[question]:
        ann.texts(answer)
        ann.expects()
    ann.texts(text)
    band = "EMERGENCY" if text in EMERGENCIES else "URGENT"
    code = nurse.expects_page(band, "A.C.", "day 7", RED[text])
    told = "call 911 now" if text in EMERGENCIES else "The team has been told"
    assert told in ann.new_texts()[0]
    if text in EMERGENCIES:
        nurse.expects_call("emergency")
    nurse.takes(code)


@pytest.mark.parametrize("text", RED)
def test_a_red_sign_out_of_the_blue_a_year_later_is_paged_too(story: Story, text: str) -> None:
    nurse = story.staff()
    ann = story.patient(day=300)
    story.forward(seconds=6)
    ann.new_texts()
    ann.texts(text)
    nurse.takes(nurse.expects_page("day 300", RED[text]))
    ann.new_texts()
    story.unread(nurse.number, call=True)


def test_metal_that_shows_is_soon_and_urgent_where_the_implant_was_buried(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient("Ann Carter", day=30)
    bob = story.patient("Bob Dylan", "+12025550102", day=30, two_stage=True)
    ann.texts("I can see metal")
    ann.expects("We will call you by Tue 3 Nov 18:00", "metal showing")
    bob.texts("I can see metal")
    bob.expects("The team has been told: metal showing")
    nurse.takes(nurse.expects_page("URGENT", "B.D.", "metal showing"))


def test_good_news_and_a_red_sign_in_one_text_is_no_good_news(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("no fever, no pain, all fine but there's some yellow stuff coming out")
    nurse.takes(nurse.expects_page("URGENT", "pus"))
    assert "The team has been told: pus" in ann.new_texts()[0]


def test_a_red_sign_in_thanks_is_still_one(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=20)
    story.forward(seconds=6)
    ann.new_texts()
    ann.texts("thanks a lot, only my implant wobbles")
    nurse.takes(nurse.expects_page("URGENT", "loose"))
    assert "The team has been told" in ann.new_texts()[0]


def test_a_red_sign_together_with_stop_is_paged(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=4)
    ann.texts("stop texting me. there is pus by the way")
    nurse.takes(nurse.expects_page("URGENT", "pus"))
    ann.new_texts()


def test_a_red_sign_from_a_lone_digit_is_said_back_and_the_correction_shows_on_the_alert(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("1")
    ann.texts("1")
    ann.expects_all("Pain 1.", "Any of these")
    ann.texts("2")
    code = nurse.expects_page("URGENT", "pus")
    ann.expects_all("The team has been told: pus", "You chose 2: pus. If that is not right, please tell us")
    ann.texts("sorry, no pus, wrong key")
    ann.new_texts()
    assert "The patient now says no, or better: pus." in [reason["text"] for reason in story.alert().reasons]
    assert story.alert().state == "open", "a person decides what that means"
    nurse.takes(code)
    nurse.closes(code, "H")


def test_an_emergency_from_a_lone_digit_can_be_corrected_too(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("1")
    ann.texts("1")
    ann.expects_all("Pain 1.", "Any of these")
    ann.texts("10")
    ann.expects_all("call 911 now", "You chose 10")
    nurse.takes(nurse.expects_page("EMERGENCY", "breathe"))
    nurse.expects_call()


def test_a_red_sign_is_paged_first_and_then_asked_about_how_high_is_the_fever(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("I have a fever")
    code = nurse.expects_page("URGENT", "fever")
    ann.expects_all("The team has been told: fever", "How high is your temperature")
    ann.texts("39.2")
    assert story.alert().at_night, "39 and above is paged at night as well"
    ann.expects("Temperature 39.2.", "worst pain")
    nurse.takes(code)


def test_a_part_that_came_out_is_asked_about_how_long_ago(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=60)
    story.forward(seconds=6)
    ann.new_texts()
    ann.texts("the little metal cap came out")
    nurse.takes(nurse.expects_page("URGENT", "cap or implant out"))
    ann.expects_all("The team has been told: a part came out", "How many hours ago")


def test_how_long_ago_may_be_said_in_the_same_breath(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=60)
    story.forward(seconds=6)
    ann.new_texts()
    ann.texts("the little metal cap came out 2 hours ago")
    nurse.takes(nurse.expects_page("URGENT", "cap or implant out"))
    ann.expects("The team has been told: a part came out")


def test_blood_is_asked_about_how_much_and_more_than_a_trace_is_urgent(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=4)
    ann.texts("there is some bleeding")
    ann.expects("How much blood is it")
    ann.texts("2")
    nurse.takes(nurse.expects_page("URGENT", "bleeding"))
    assert "The team has been told: bleeding" in ann.new_texts()[0]


def test_swelling_on_day_4_without_a_word_of_its_course_is_asked_about(story: Story) -> None:
    ann = story.asked(day=4)
    ann.texts("pain 2, a bit swollen")
    ann.expects("going down")
    ann.texts("1")
    ann.expects("Any of these")
    ann.texts("0")
    ann.expects("Thank you, noted")
    assert not story.all(Alert)


def test_pain_that_rises_by_three_is_urgent(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=4)
    ann.texts("1")
    ann.texts("1")
    ann.texts("0")
    ann.expects_all("Pain 1.", "Gum going down", "Thank you")
    story.until("2026-11-05 11:01")
    ann.expects_all("no sauna", "day 7")
    ann.texts("5")
    nurse.takes(nurse.expects_page("URGENT", "pain"))
    ann.expects_all("The team has been told: pain", "swelling or redness")
    rules = {reason["rule"] for reason in story.alert().reasons}
    assert "pain-rising" in rules


def test_two_findings_that_can_wait_make_one_that_cannot(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("5")
    ann.expects("Pain 5.", "swelling or redness")
    ann.texts("2")
    nurse.takes(nurse.expects_page("URGENT", "pain", "swelling"))
    assert "The team has been told" in ann.new_texts()[0]


def test_two_risk_factors_make_a_finding_urgent(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7, risks=("smoking", "diabetes"))
    ann.texts("5")
    nurse.takes(nurse.expects_page("URGENT", "pain"))
    assert "The team has been told: pain" in ann.new_texts()[0]


def test_every_assessment_with_a_red_sign_is_an_alert(story: Story) -> None:
    """Over everything a patient may write in a check-in, in the books as they stand at the end."""
    nurse = story.staff()
    ann = story.asked(day=7)
    for text in RED:
        ann.texts(text)
    assert {a.disposition for a in story.all(Assessment)} == {"alert"}
    ann.new_texts()
    nurse.new_texts()
    story.unread(nurse.number, call=True)
