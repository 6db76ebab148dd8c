"""Promise 6: delivered and unanswered is told apart from undelivered, and staff learn of both."""

from __future__ import annotations

from monitor.db import transaction
from monitor.models import Alert, CheckIn
from monitor.services.track import track
from tests.stories.people import on_day_3
from tests.story import CHECKIN, Story


def checkin(story: Story, day: int) -> CheckIn:
    found: CheckIn = story.all(CheckIn, CheckIn.day == day)[0]
    return found


def test_one_reminder_after_four_hours_and_a_finding_next_morning(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    story.until("2026-11-02 15:59")
    ann.expects_nothing()
    story.until("2026-11-02 16:05")
    ann.expects("Reminder:", "worst pain")
    story.until("2026-11-03 09:59")
    ann.expects_nothing()
    assert not story.all(Alert)
    story.until("2026-11-03 10:01")
    alert = story.alert()
    assert (alert.kind, alert.band) == ("silence", "soon")
    nurse.expects_nothing()
    story.until("2026-11-04 08:01")
    nurse.expects("1 waiting", "no answer to our texts")
    story.until("2026-11-04 12:00")
    code = nurse.expects_page("SOON", "no answer to our texts")
    nurse.takes(code)
    nurse.closes(code)
    assert checkin(story, 7).state == "silent"


def test_the_reminder_keeps_to_texting_hours(story: Story) -> None:
    ann = on_day_3(story)
    story.outage(until="2026-11-03 17:30")
    ann.expects("day 4", CHECKIN)
    story.until("2026-11-04 08:59")
    ann.expects_nothing()
    story.until("2026-11-04 09:05")
    ann.expects("Reminder:")
    story.until("2026-11-04 10:01")
    assert story.alert().kind == "silence", "the reminder gives no further day"


def test_who_answers_the_reminder_is_asked_on(story: Story) -> None:
    ann = story.asked(day=7)
    story.until("2026-11-02 16:05")
    ann.expects("Reminder:")
    ann.texts("2")
    ann.expects("Pain 2.", "swelling or redness")
    ann.texts("0")
    ann.texts("0")
    ann.expects_all("Gum calm", "Thank you, noted")
    story.forward(days=2)
    assert not story.all(Alert)


def test_half_an_answer_is_a_finding_too(story: Story) -> None:
    ann = story.asked(day=7)
    ann.texts("2")
    ann.expects("Pain 2.")
    story.until("2026-11-02 16:10")
    ann.expects("Reminder:", "swelling or redness")
    story.until("2026-11-03 10:05")
    assert "half answered" in story.alert().reasons[0]["text"]


def test_a_late_answer_ends_the_finding(story: Story) -> None:
    ann = story.asked(day=7)
    story.until("2026-11-03 10:30")
    ann.expects("Reminder:")
    ann.texts("1")
    assert story.alert().state == "open", "half an answer does not end it"
    ann.texts("0")
    ann.texts("0")
    ann.expects_all("Pain 1", "Gum calm", "Thank you")
    assert (story.alert().state, story.alert().outcome) == ("closed", "answered")


def test_a_question_among_the_silence_is_not_closed_by_thanks(story: Story) -> None:
    ann = story.asked(day=7)
    story.until("2026-11-03 10:30")
    ann.expects("Reminder:")
    ann.texts("when may I play football?")
    ann.new_texts()
    for answer in ("0", "0", "0", "thanks"):
        ann.texts(answer)
    ann.new_texts()
    assert (story.alert().state, story.alert().kind) == ("open", "review")


def test_a_second_silent_check_in_is_urgent(story: Story) -> None:
    nurse = story.staff()
    ann = on_day_3(story)
    story.until("2026-11-04 10:31")
    ann.expects_all("day 4", "Reminder")
    story.until("2026-11-05 12:00")
    _, page = nurse.expects_all("1 waiting", "SOON")
    nurse.takes(story.code_in(page))
    nurse.closes(story.code_in(page), "A")
    story.until("2026-11-07 10:05")
    ann.expects_all("day 7", "Reminder")
    code = nurse.expects_page("URGENT", "no answer to our texts")
    nurse.takes(code)


def test_silence_after_an_abnormal_answer_is_urgent(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("5")
    ann.expects("Pain 5.", "swelling or redness")
    story.until("2026-11-02 16:10")
    ann.expects("Reminder:")
    story.until("2026-11-03 08:05")
    nurse.expects("1 waiting")
    story.until("2026-11-03 10:01")
    nurse.takes(nurse.expects_page("URGENT", "pain"))


def test_who_was_helped_by_staff_owes_no_further_answer(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("there is pus")
    code = nurse.expects_page("URGENT")
    ann.expects_all("The team has been told", "worst pain")
    nurse.takes(code)
    nurse.closes(code, "C")
    story.forward(days=3)
    ann.expects_nothing()
    assert len(story.all(Alert)) == 1
    assert checkin(story, 7).state == "partial"


def test_a_phone_that_is_off_is_no_silence(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.off[ann.number] = 30003
    story.until("2026-11-05 12:00")
    assert checkin(story, 4).state == "unreached"
    assert not story.all(Alert)
    assert "undelivered" in story.tasks()


def test_a_dead_number_is_told_to_the_front_desk_in_the_digest(story: Story) -> None:
    nurse = story.staff()
    ann = on_day_3(story)
    story.carrier.off[ann.number] = 30005
    story.until("2026-11-04 08:05")
    nurse.expects("1 waiting", "front desk tasks: 1")
    assert not story.all(Alert)


def test_somebody_who_opted_out_in_the_middle_is_not_silent(story: Story) -> None:
    ann = story.asked(day=7)
    ann.texts("2")
    ann.expects("Pain 2.")
    ann.texts("STOP")
    ann.expects("unsubscribed")
    story.forward(days=3)
    ann.expects_nothing()
    assert not story.all(Alert)


def test_a_question_that_never_arrived_is_not_waited_for(story: Story) -> None:
    ann = story.asked(day=7)
    story.carrier.off[ann.number] = 30003
    ann.texts("2")
    story.forward(days=3)
    assert not [alert for alert in story.all(Alert) if alert.kind == "silence"]
    assert checkin(story, 7).state == "partial"
    assert "undelivered" in story.tasks()


def test_a_callback_for_an_unknown_text_is_kept_and_harms_nothing(story: Story) -> None:
    with transaction(story.app.sessions) as session:
        params = {"MessageSid": "SM" + "9" * 32, "MessageStatus": "undelivered", "ErrorCode": "30003"}
        assert not track(session, params, message_id=4711, now=story.clock.now())
    story.run()
    assert not story.tasks()
