"""Promise 5: a patient never gets the same scheduled text twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from monitor.db import transaction
from monitor.models import Episode, Inbound, Message
from monitor.scheduler import Ticks
from monitor.services.change import change_episode
from monitor.services.claim import claim
from monitor.services.clinic import the_clinic
from monitor.services.dispatch import dispatch
from monitor.services.enrol import Enrolment, enrol
from monitor.services.receive import save_inbound
from monitor.services.track import track
from monitor.sms.gateway import Text
from tests.stories.people import on_day_3
from tests.story import CHECKIN, FIRST_TEXT, Someone, Story


def test_a_crash_between_claim_and_send_loses_no_text_and_doubles_none(story: Story) -> None:
    ann = on_day_3(story)
    story.clock.move_to(story.moment("2026-11-03 11:01"))
    claimed = claim(story.app.sessions, story.clock.now(), worker="one that dies here")
    assert [text.what.to for text in claimed] == [ann.number]
    story.run()
    ann.expects_nothing()
    story.forward(minutes=2)
    ann.expects_nothing()
    story.forward(seconds=30)  # the provider is asked a second time before the text is given up for lost
    ann.expects("day 4", CHECKIN)
    story.forward(hours=3)
    ann.expects_nothing()


def test_a_crash_between_send_and_record_sends_no_second_text(story: Story) -> None:
    """The worker handed the text over and died before it could write that down."""
    ann = on_day_3(story)
    story.clock.move_to(story.moment("2026-11-03 11:01"))
    (text,) = claim(story.app.sessions, story.clock.now(), worker="one that dies later")
    assert isinstance(text.what, Text)
    story.carrier.show(text.what.to, text.what.body, text.id)
    ann.expects("day 4")
    story.forward(hours=3)
    ann.expects_nothing()
    row = story.plan(ann)["checkin-4"]
    assert (row.state, row.why) == ("delivered", "found with the provider")


def test_an_answer_that_got_lost_is_looked_up_and_not_sent_again(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.answer_lost.add(ann.number)
    story.until("2026-11-03 11:01")
    ann.expects("day 4", CHECKIN)
    story.forward(hours=3)
    ann.expects_nothing()
    assert story.plan(ann)["checkin-4"].sid is not None


def test_two_episodes_that_begin_together_have_one_first_text(story: Story) -> None:
    """Two implants on two days, both entered before the first text has left."""
    today = story.clock.now().date()
    with transaction(story.app.sessions) as session:
        given = [
            Enrolment(name="Ann Carter", phone="+12025550101", surgery_on=today - timedelta(days=ago), consent="form")
            for ago in (1, 3)
        ]
        first, second = (enrol(session, the_clinic(session), one, now=story.clock.now()) for one in given)
        ann = Someone(story, first.patient.phone, id=first.patient_id, episode=second.id)
    story.run()
    ann.expects(FIRST_TEXT)
    story.forward(minutes=5)
    assert not [text for text in story.unread(ann.number) if FIRST_TEXT in text.body]
    assert story.plan(ann)["welcome"].why == "the patient has had it with another episode"


def test_two_equal_answers_in_a_row_are_two_texts(story: Story) -> None:
    """Looking up a lost text must not adopt the one before it."""
    ann = story.asked(day=7)
    ann.texts("???")
    ann.expects("could not read that")
    story.carrier.answer_lost.add(ann.number)
    ann.texts("2")
    ann.expects("Pain 2")
    story.forward(minutes=3)
    sids = [row.sid for row in story.all(Message, Message.patient_id == ann.id, Message.sid.is_not(None))]
    assert len(sids) == len(set(sids)) == 4


def test_a_page_whose_answer_got_lost_is_sent_again(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    story.carrier.answer_lost.add(nurse.number)
    ann.types("there is pus")
    story.ticks.urgent()
    nurse.expects_page("URGENT")
    story.carrier.answer_lost.clear()
    story.run()
    nurse.takes(nurse.expects_page("URGENT"))
    ann.expects("The team has been told")


def test_workers_at_the_same_time_send_each_text_once(story: Story) -> None:
    people = [on_day_3_at(story, n) for n in range(6)]
    story.clock.move_to(story.moment("2026-11-03 11:01"))
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(dispatch, story.app.sessions, story.app.gateway, story.clock, worker=f"worker {n}")
            for n in range(4)
        ]
        for job in jobs:
            job.result()
    for person in people:
        person.expects("day 4", CHECKIN)


def on_day_3_at(story: Story, n: int) -> Someone:
    person = story.patient(f"Patient {n}", f"+1202555011{n}", day=3)
    story.forward(seconds=6)
    person.expects("no sauna")
    return person


def test_every_tick_may_run_twice(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("there is pus")
    for _ in range(3):
        story.run()
    code = nurse.expects_page("URGENT")
    ann.expects_all("The team has been told", "worst pain")
    nurse.takes(code)
    Ticks(story.app).everything()
    nurse.expects_nothing()


def test_planning_again_plans_nothing_twice(story: Story) -> None:
    ann = on_day_3(story)
    for _ in range(2):
        with transaction(story.app.sessions) as session:
            episode = session.get_one(Episode, ann.episode)
            change_episode(session, episode, now=story.clock.now(), surgery_on=episode.surgery_on)
    story.until("2026-11-03 11:01")
    ann.expects("day 4", CHECKIN)


def test_a_question_that_was_sent_is_not_asked_again_when_the_surgery_date_moves(story: Story) -> None:
    ann = story.asked(day=4)
    with transaction(story.app.sessions) as session:
        episode = session.get_one(Episode, ann.episode)
        change_episode(session, episode, now=story.clock.now(), surgery_on=episode.surgery_on + timedelta(days=1))
    story.until("2026-11-03 09:30")
    ann.expects_all("Reminder")
    ann.texts("0")
    ann.texts("0")
    ann.texts("0")
    ann.new_texts()
    story.until("2026-11-03 20:00")
    assert not any("day 4" in text for text in ann.new_texts())


def test_the_same_text_delivered_to_us_twice_is_read_once(story: Story) -> None:
    ann = story.asked(day=7)
    received = story.carrier.type_text(ann.number, "2")
    for _ in range(2):
        with transaction(story.app.sessions) as session:
            save_inbound(session, received, raw=None, now=story.clock.now())
    story.run()
    story.forward(seconds=4)
    ann.expects("Pain 2.")
    assert len(story.all(Inbound)) == 1


def test_the_same_words_typed_twice_are_two_texts(story: Story) -> None:
    ann = story.asked(day=7)
    ann.texts("0")
    ann.expects("Pain 0")
    ann.texts("0")
    ann.expects("Gum calm")
    ann.texts("0")
    ann.expects("Thank you, noted")


def test_callbacks_twice_late_and_backwards_change_nothing_for_the_patient(story: Story) -> None:
    ann = story.asked(day=7)
    row = story.plan(ann)["checkin-7"]
    for status in ("sent", "delivered", "delivered", "undelivered", "queued", "sent", "no such status"):
        with transaction(story.app.sessions) as session:
            params = {"MessageSid": row.sid or "", "MessageStatus": status}
            track(session, params, message_id=row.id, now=story.clock.now())
    story.run()
    assert story.plan(ann)["checkin-7"].state == "delivered"
    ann.texts("2")
    ann.expects("Pain 2.")


def test_undelivered_and_then_delivered_after_all_is_asked_once(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.off[ann.number] = 30003
    story.until("2026-11-03 11:01")
    row = story.plan(ann)["checkin-4"]
    with transaction(story.app.sessions) as session:
        params = {"MessageSid": row.sid or "", "MessageStatus": "delivered"}
        track(session, params, message_id=row.id, now=story.clock.now())
    del story.carrier.off[ann.number]
    story.until("2026-11-03 14:00")
    ann.expects_nothing()
    ann.texts("2")
    ann.expects("Pain 2.")


def test_a_clock_that_goes_back_sends_nothing_twice_and_fails_nowhere(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked(day=7)
    ann.texts("there is pus")
    ann.expects_all("The team has been told", "worst pain")
    code = nurse.expects_page("URGENT")
    story.clock.forward(hours=-30)
    story.run()
    story.run()
    ann.expects_nothing()
    nurse.expects_nothing()
    story.clock.forward(hours=30)
    story.run()
    nurse.expects_nothing()
    nurse.takes(code)


def test_a_morning_digest_is_written_once(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("it hurts when I chew")
    ann.expects("We will call you")
    story.until("2026-11-03 08:05")
    nurse.expects("1 waiting")
    for _ in range(3):
        Ticks(story.app).everything()
    nurse.expects_nothing()
