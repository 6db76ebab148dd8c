"""Promise 4, continued: replies of staff that cross something, or that are no more than a sentence."""

from __future__ import annotations

import pytest

from monitor.db import transaction
from monitor.models import Alert
from monitor.services.acknowledge import take_by_keypress
from monitor.services.staff import remove_staff
from tests.stories.people import raises_pus
from tests.story import Someone, Story

LAST_RESORT = "+12025550199"
WORSE = "now the swelling spreads down my neck"


def crosses(story: Story, ann: Someone, nurse: Someone, reply: str) -> str:
    """The patient gets worse, and the nurse's reply to what was before is read in the same tick.

    Returns the code of the page that followed.
    """
    story.forward(seconds=10)
    ann.types(WORSE)
    nurse.types(reply)
    story.run()
    ann.expects("call 911 now")
    page, told = sorted(nurse.new_texts(), key=lambda text: "Reply " not in text)
    assert "This has got worse: emergency, spreading swelling" in told
    assert page.startswith("EMERGENCY")
    nurse.expects_call()
    assert story.alert().state == "open"
    return story.code_in(page)


@pytest.mark.parametrize("reply", ["{code}", "{code} A", "ok"])
def test_a_reply_to_the_page_before_neither_takes_nor_closes_what_got_worse(story: Story, reply: str) -> None:
    nurse = story.staff()
    ann = raises_pus(story)
    code = nurse.expects_page("URGENT", "pus")
    nurse.takes(crosses(story, ann, nurse, reply.format(code=code)))


@pytest.mark.parametrize("reply", ["{code}", "{code} A", "A"])
def test_who_has_an_alert_does_not_close_what_it_became_meanwhile(story: Story, reply: str) -> None:
    nurse = story.staff()
    ann = raises_pus(story)
    code = nurse.expects_page("URGENT", "pus")
    nurse.takes(code)
    new = crosses(story, ann, nurse, reply.format(code=code))
    nurse.takes(new)
    nurse.closes(code)
    assert story.alert().state == "closed"


def test_a_bare_letter_is_no_choice_while_one_of_two_alerts_got_worse(story: Story) -> None:
    nurse = story.staff()
    ann = raises_pus(story)
    nurse.takes(nurse.expects_page("URGENT", "pus"))
    bob = story.patient("Bob Dylan", "+12025550102", day=30)
    bob.texts("my implant is loose")
    bob.expects("The team has been told")
    nurse.takes(nurse.expects_page("URGENT", "B.D."))
    ann.types(WORSE)
    nurse.types("A")
    story.run()
    ann.expects("call 911 now")
    nurse.expects_call()
    assert any("could not match" in text for text in nurse.new_texts())
    assert [alert.state for alert in story.all(Alert)] == ["open", "taken"]


def test_an_old_page_does_not_close_what_somebody_else_has_taken_since(story: Story) -> None:
    nurse, other = story.staff(), story.staff("Dr Lin", "+12025550172")
    ann = raises_pus(story)
    old = nurse.expects_page("URGENT", "pus")
    other.expects_page("URGENT", "pus")
    ann.texts(WORSE)
    ann.expects("call 911 now")
    nurse.expects_page("EMERGENCY")
    nurse.expects_call()
    other.takes(other.expects_page("EMERGENCY"))
    other.expects_call()
    nurse.texts(f"{old} A")
    nurse.expects("Dr Lin has taken it already")
    assert story.alert().state == "taken"


def test_a_key_pressed_in_a_call_that_is_older_than_the_worse_text_takes_nothing(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts(WORSE)
    ann.expects("call 911 now")
    nurse.expects_page("EMERGENCY")
    call = nurse.expects_call()
    story.forward(seconds=5)
    ann.types("and I can't breathe")
    story.ticks.urgent()
    ann.new_texts()
    newer = nurse.expects_page("EMERGENCY", "breathe")
    nurse.expects_call()
    assert "has got worse" in pressed(story, call.message_id)
    assert story.alert().state == "open"
    nurse.takes(newer)


def test_whoever_takes_it_reads_how_serious_it_is(story: Story) -> None:
    nurse = story.staff()
    raises_pus(story)
    nurse.texts(nurse.expects_page("URGENT"))
    nurse.expects("It is yours: urgent", "A.C.", "pus", "+12025550101")


@pytest.mark.parametrize("words", ["got it, with a patient now", "I am on it", "- a minute, please", "A B"])
def test_a_lone_letter_in_a_sentence_is_no_outcome(story: Story, words: str) -> None:
    nurse = story.staff()
    raises_pus(story)
    code = nurse.expects_page("URGENT")
    nurse.texts(f"{code} {words}")
    nurse.expects("It is yours")
    assert story.alert().state == "taken"


@pytest.mark.parametrize("reply", ["{code} A", "{code}: a.", "(a) {code}", "{code}A"])
def test_a_letter_alone_beside_the_code_is_the_outcome(story: Story, reply: str) -> None:
    nurse = story.staff()
    raises_pus(story)
    nurse.texts(reply.format(code=nurse.expects_page("URGENT")))
    nurse.expects("Recorded: advised by phone")
    assert story.alert().state == "closed"


def test_two_codes_in_one_text_take_two_alerts(story: Story) -> None:
    nurse = story.staff()
    raises_pus(story)
    bob = story.patient("Bob Dylan", "+12025550102", day=30)
    bob.texts("my implant is loose")
    bob.expects("The team has been told")
    codes = [story.code_in(page) for page in nurse.expects_all("URGENT", "URGENT")]
    nurse.texts(" ".join(codes))
    told = nurse.expects("A.C.", "B.D.", *codes)
    assert told.count("It is yours") == 2
    assert {alert.state for alert in story.all(Alert)} == {"taken"}
    nurse.texts(f"{codes[0]} {codes[1]} A")
    nurse.expects("Recorded")
    assert {alert.state for alert in story.all(Alert)} == {"closed"}


def test_a_code_beside_another_number_is_taken_and_not_closed(story: Story) -> None:
    nurse = story.staff()
    raises_pus(story)
    code = nurse.expects_page("URGENT")
    nurse.texts(f"{code} 99999 A")
    nurse.expects("It is yours")
    assert story.alert().state == "taken"


@pytest.mark.parametrize("reply", ["{code}", "ok", "{code} A"])
def test_who_does_not_work_here_any_more_takes_nothing(story: Story, reply: str) -> None:
    nurse, other = story.staff(), story.staff("Dr Lin", "+12025550172")
    raises_pus(story)
    code = nurse.expects_page("URGENT")
    with transaction(story.app.sessions) as session:
        remove_staff(session, nurse.id, now=story.clock.now())
    nurse.texts(reply.format(code=code))
    nurse.expects("We do not know this number")
    assert story.all(Alert)[0].state == "open"
    other.takes(other.expects_page("URGENT"))


def test_a_number_that_was_the_last_resort_once_takes_nothing(story: Story) -> None:
    story.forget_last_resort()
    story.clinic(last_resort=LAST_RESORT)
    raises_pus(story)
    old = story.phone(LAST_RESORT)
    code = old.expects_page("URGENT")
    story.unread(LAST_RESORT, call=True)
    story.clinic(last_resort="+12025550198")
    old.texts(code)
    old.expects("We do not know this number")
    assert story.all(Alert)[0].state == "open"


def test_a_key_pressed_after_somebody_else_took_it_is_told_so(story: Story) -> None:
    nurse, other = story.staff(), story.staff("Dr Lin", "+12025550172")
    story.patient(day=30).texts(WORSE)
    story.phone("+12025550101").expects("call 911 now")
    nurse.expects_page("EMERGENCY")
    mine, hers = nurse.expects_call(), other.expects_call()
    other.takes(other.expects_page("EMERGENCY"))
    assert pressed(story, mine.message_id) == "Dr Lin has taken it already. Nothing to do."
    assert "It is yours" in pressed(story, hers.message_id)


def pressed(story: Story, message_id: int | None) -> str:
    """What a call says when a key is pressed in it."""
    assert message_id is not None
    with transaction(story.app.sessions) as session:
        said = take_by_keypress(session, message_id, now=story.clock.now())
    assert said is not None
    return said
