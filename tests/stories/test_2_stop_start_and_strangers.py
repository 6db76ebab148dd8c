"""Promise 2, continued: who wants no texts, who is not the patient, and who shares a phone."""

from __future__ import annotations

import pytest

from monitor.db import transaction
from monitor.errors import GatewayRefused
from monitor.models import Alert, Message
from monitor.services.outcome import record_outcome
from tests.story import CHECKIN, Story


def test_an_unknown_number_is_scored_listed_and_answered_once_a_day(story: Story) -> None:
    nurse = story.staff()
    stranger = story.phone()
    stranger.texts("my implant is loose")
    nurse.expects_page("URGENT", "unknown number", "loose implant")
    stranger.expects("We do not know this number", "+12025550150")
    stranger.texts("hello?")
    stranger.expects_nothing()
    assert story.tasks() == ["unknown_number"]
    nurse.texts("ok")
    nurse.expects("It is yours", stranger.number)
    nurse.texts("A")
    nurse.expects("Recorded")
    story.until("2026-11-03 09:00")
    nurse.expects("front desk tasks: 1")
    stranger.texts("hello?")
    stranger.expects("We do not know this number")
    assert story.tasks() == ["unknown_number"]  # still the one that nobody has done


def test_a_wrong_number_is_believed_and_never_texted_again(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=4)
    ann.texts("wrong number, I am not Ann")
    ann.expects("will not text this number again")
    story.until("2026-11-03 12:00")
    _, page = nurse.expects_all("1 waiting", "SOON")
    nurse.takes(story.code_in(page))
    nurse.closes(story.code_in(page))
    story.forward(days=12)
    ann.expects_nothing()
    assert story.plan(ann)["checkin-7"].why == "the number is known to be dead"
    assert story.tasks() == ["checkin_missed", "checkin_missed"], "somebody must find the right number"
    assert all("front desk tasks" in text for text in nurse.new_texts())


def test_cancel_in_answer_to_a_reminder_is_an_opt_out_and_an_appointment(story: Story) -> None:
    ann = story.patient(day=42)
    story.forward(seconds=6)
    ann.expects("6-week review")
    ann.texts("CANCEL")
    ann.expects("successfully been unsubscribed")
    assert "appointment" in story.tasks()
    assert len(story.events("opted_out")) == 1


def test_help_in_a_single_word_is_the_carriers_and_in_a_sentence_ours(story: Story) -> None:
    ann = story.patient(day=30)
    ann.texts("HELP")
    ann.expects("Msg&Data Rates")
    ann.texts("help please")
    ann.new_texts()


def test_stop_in_a_single_word_ends_all_texts_and_the_carrier_says_so(story: Story) -> None:
    ann = story.asked(day=4)
    ann.texts("STOP")
    ann.expects("successfully been unsubscribed")
    assert story.tasks() == ["opted_out"], "before day 14 the front desk follows by phone"
    story.forward(days=12)
    ann.expects_nothing()
    assert story.plan(ann)["checkin-7"].why == "the patient has opted out"


def test_stop_in_plain_words_is_confirmed_once_and_obeyed(story: Story) -> None:
    ann = story.asked(day=4)
    ann.texts("please stop texting me")
    ann.expects("no more texts", "START")
    ann.texts("I said stop sending me messages")
    story.forward(days=12)
    ann.expects_nothing()


def test_start_brings_the_texts_back_and_nothing_else_does(story: Story) -> None:
    ann = story.asked(day=4)
    ann.texts("STOP")
    ann.expects("unsubscribed")
    ann.texts("it is fine today")
    ann.expects_nothing()
    story.until("2026-11-05 09:00")
    ann.texts("START")
    ann.expects("re-subscribed")
    story.until("2026-11-05 11:30")
    ann.expects("day 7", CHECKIN)
    ann.texts("0")
    ann.expects("Pain 0")


def test_somebody_opted_out_with_an_emergency_gets_one_line_and_no_more(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=4)
    ann.texts("please stop texting me")
    ann.expects("no more texts")
    ann.texts("I can't breathe properly")
    ann.expects("call 911 now")
    code = nurse.expects_page("EMERGENCY", "hard to breathe", "cannot be texted: call")
    nurse.expects_call("emergency")
    ann.texts("really hard to breathe")
    ann.expects_nothing()
    nurse.takes(code)
    nurse.closes(code, "G")


def test_where_the_carrier_refuses_the_emergency_line_the_page_says_call(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=4)
    ann.texts("STOP")
    ann.expects("unsubscribed")
    ann.texts("I can't breathe properly")
    ann.expects_nothing()
    nurse.takes(nurse.expects_page("EMERGENCY", "cannot be texted: call"))
    nurse.expects_call("emergency")


def test_the_front_desk_reads_once_that_somebody_opted_out_and_then_that_they_must_be_called_now(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=4)
    ann.types("STOP")
    ann.texts("I can't breathe properly")
    ann.expects("unsubscribed")
    assert story.tasks() == ["opted_out", "call_now"]
    nurse.expects_page("EMERGENCY", "cannot be texted: call")
    nurse.expects_call("emergency")


@pytest.mark.parametrize("kind", ["safety", "checkin", "emergency"])
def test_what_the_carrier_refuses_of_somebody_opted_out_makes_no_second_task_of_a_kind(story: Story, kind: str) -> None:
    ann = story.asked(day=4)
    ann.texts("STOP")
    ann.expects("unsubscribed")
    wanted = ["opted_out", "call_now"] if kind == "emergency" else ["opted_out"]
    for n in range(2):
        with transaction(story.app.sessions) as session:
            row = Message(
                once=f"{kind}:{n}", clinic_id=1, patient_id=ann.id, kind=kind, to_number=ann.number, priority=1
            )
            row.due_at = row.created_at = row.claimed_at = story.clock.now()
            row.state, row.attempts, row.body = "sending", 1, "a text that was under way"
            session.add(row)
            session.flush()
            record_outcome(session, row, GatewayRefused(21610), now=story.clock.now())
    assert story.tasks() == wanted


def test_a_red_sign_of_somebody_opted_out_is_paged_and_not_answered(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=4)
    ann.texts("stop texting me")
    ann.expects("no more texts")
    ann.texts("there is pus")
    ann.expects_nothing()
    nurse.takes(nurse.expects_page("URGENT", "pus (cannot be texted: call)"))


def test_two_patients_on_one_phone_staff_see_both_and_the_sender_is_asked_which(story: Story) -> None:
    nurse = story.staff()
    phone = story.patient("Ann Carter", day=30)
    story.patient("Bob Dylan", phone.number, day=60)
    story.forward(minutes=1)
    phone.new_texts()
    story.forward(days=2, hours=2)
    phone.new_texts()
    phone.texts("the implant is loose")
    phone.expects("Two patients use this phone", "1 A.C. 2 B.D.")
    first, second = nurse.expects_all("URGENT", "URGENT")
    assert {"A.C." in first, "A.C." in second} == {True, False}
    phone.texts("2")
    phone.expects("The team has been told: something loose", "They will call you by")
    assert all("B.D." in alert.reasons[-1]["text"] for alert in story.all(Alert))
