"""Promise 1, continued: what an outage, an edited protocol or a busy provider must not do to the texts behind it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import update

from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.errors import GatewayBusy
from monitor.models import CheckIn, Event, Message, Patient
from monitor.services.change import move_open_episodes
from monitor.services.dispatch import claim
from monitor.services.escalate import escalate
from monitor.services.outbox import cancel
from monitor.services.read import read_waiting
from monitor.services.seed import read_files, store_version
from monitor.services.track import track
from tests.stories.people import answers_that_all_is_well, on_day_3
from tests.story import CHECKIN, FIRST_TEXT, Story

PROTOCOL = "protocols/dental-implant.toml"


def test_a_text_that_a_worker_has_just_claimed_cannot_be_taken_back(story: Story) -> None:
    ann = on_day_3(story)
    checkin = story.plan(ann)["checkin-4"]
    with transaction(story.app.sessions) as session:
        row = session.get_one(Message, checkin.id)
        claimed = update(Message).where(Message.id == row.id).values(state=State.SENDING)
        session.execute(claimed.execution_options(synchronize_session=False))
        assert not cancel(session, row, why="no longer wanted", now=story.clock.now())
        assert row.state == State.SENDING
        session.rollback()
    assert story.all(Event, Event.kind == "message_cancelled") == []


def test_only_what_is_for_staff_leaves_from_the_number_for_pages(story: Story) -> None:
    story.staff()
    story.phone("+12025550188").types("there is pus")
    read_waiting(story.app.sessions, story.clock)
    escalate(story.app.sessions, story.clock, public_url="https://m.example.org")
    claimed = claim(story.app.sessions, story.clock.now(), worker="one that looks")
    assert {text.what.to: text.to_staff for text in claimed} == {"+12025550171": True, "+12025550188": False}


def edit_protocol(story: Story, *edits: tuple[str, str, str]) -> int:
    """The clinic loads an edited copy, open episodes too; returns how many were moved."""
    files = read_files()
    for name, old, new in edits:
        assert old in files[name], f"{old!r} is not in {name}"
        files[name] = files[name].replace(old, new)
    with transaction(story.app.sessions) as session:
        version = store_version(session, files, now=story.clock.now())
        return move_open_episodes(session, version, now=story.clock.now())


def test_a_text_that_cannot_be_written_is_told_to_the_front_desk_and_stops_no_other(story: Story) -> None:
    nurse, ann, ben = story.staff(), on_day_3(story), story.patient("Ben Ode", "+12025550102", day=30)
    with transaction(story.app.sessions) as session:
        session.execute(update(Message).where(Message.once.endswith(":checkin-4")).values(template="renamed"))
    story.clock.move_to(story.moment("2026-11-03 12:00"))
    ben.texts("I cannot breathe")
    assert "911" in ben.new_texts()[0], "advice, and whatever is asked next"
    code = story.code_in(next(text for text in nurse.new_texts() if "EMERGENCY" in text))
    nurse.expects_call()
    nurse.takes(code)
    nurse.closes(code)
    broken = story.plan(ann)["checkin-4"]
    assert (broken.state, broken.why is not None and "texts.renamed" in broken.why) == ("failed", True)
    story.forward(hours=2)
    assert story.tasks().count("text_broken") == 1
    assert story.all(Message, Message.once == f"again:{broken.id}") == [], "it would fail again"


def test_a_protocol_loaded_for_open_episodes_moves_what_has_not_left(story: Story) -> None:
    ann = on_day_3(story)
    moved = edit_protocol(
        story,
        (PROTOCOL, "days = 7\nexpires_days = 5", "days = 8\nexpires_days = 5"),
        (PROTOCOL, 'key = "review"', 'key = "look"'),
        (PROTOCOL, 'message = "step.integration"', 'message = "step.bone"'),
        *((f"messages/{language}.toml", '"step.integration"', '"step.bone"') for language in ("en", "es", "ru")),
    )
    assert moved == 1
    plan = story.plan(ann)
    assert {key: plan[key].state for key in ("review", "look", "advice")} == {
        "review": "cancelled",
        "look": "planned",
        "advice": "delivered",
    }
    assert plan["integration"].template == "step.bone"
    assert plan["checkin-7"].due_at.date() == date(2026, 11, 7), "five days on from day 3"
    assert story.all(CheckIn, CheckIn.step == "checkin-7")[0].day == 8


def test_a_promise_that_the_provider_delayed_is_still_made(story: Story) -> None:
    nurse, ann = story.staff(), story.patient(day=30)
    story.carrier.failing[ann.number] = GatewayBusy(429)
    ann.texts("there is pus")
    assert story.alert().told_by_at is not None
    ann.texts("thanks")
    del story.carrier.failing[ann.number]
    story.forward(minutes=3)
    assert [text for text in ann.new_texts() if "The team has been told: pus" in text]
    code = nurse.expects_page("URGENT")
    nurse.takes(code)
    nurse.closes(code)


def test_a_question_that_was_never_tried_is_still_replaced(story: Story) -> None:
    ann = story.asked(day=7)
    ann.types("3")
    story.run()
    ann.types("2 in fact")
    story.run()
    story.forward(seconds=4)
    ann.expects("Pain 2")


def test_a_second_surgery_keeps_its_safety_texts_beside_the_first_ones_check_in(story: Story) -> None:
    ann = story.asked(day=7)
    answers_that_all_is_well(ann)
    second = story.patient(day=0, welcome=False)
    story.until("2026-11-02 18:01")
    ann.expects("no rinsing")
    story.until("2026-11-03 09:01")
    ann.expects("still numb")
    assert story.plan(second)["care"].state == "delivered"


def test_a_check_in_leaves_on_the_day_of_a_safety_text(story: Story) -> None:
    ann = story.asked(day=6)  # day 4's questions; day 7 is tomorrow
    answers_that_all_is_well(ann)
    story.patient(day=0, welcome=False)
    story.until("2026-11-02 18:01")
    ann.expects("no rinsing")
    story.until("2026-11-03 11:01")
    ann.expects_all("still numb", CHECKIN)


def test_somebody_who_opted_out_and_has_a_new_surgery_is_told_to_the_front_desk(story: Story) -> None:
    ann = story.patient(day=30)
    ann.texts("STOP")
    ann.expects("unsubscribed")
    assert story.tasks() == []
    story.forward(days=1)
    again = story.patient(day=0, welcome=False)
    assert again.id == ann.id
    assert story.tasks() == ["opted_out"]
    (patient,) = story.all(Patient)
    assert patient.consented_at == story.clock.now(), "the new consent counts"
    assert len(story.events("consent_given")) == 1


def test_a_number_called_dead_that_shows_a_text_is_alive_again(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.off[ann.number] = 30006
    story.until("2026-11-03 11:30")
    assert story.all(Patient)[0].bad_number_at is not None
    lost = story.plan(ann)["checkin-4"]
    with transaction(story.app.sessions) as session:
        track(session, {"MessageSid": lost.sid or "", "MessageStatus": "delivered"}, message_id=None, now=lost.due_at)
    assert story.all(Patient)[0].bad_number_at is None
    assert len(story.events("number_alive")) == 1


def test_each_check_in_that_a_dead_number_cannot_get_is_told_once(story: Story) -> None:
    ann = on_day_3(story)
    story.carrier.off[ann.number] = 30006
    story.until("2026-11-16 12:30")
    assert story.plan(ann)["checkin-14"].state == "skipped"
    assert story.tasks() == ["undelivered", "checkin_missed", "checkin_missed"]


def test_the_first_text_comes_first_although_the_provider_was_busy_with_it(story: Story) -> None:
    story.carrier.failing["+12025550101"] = GatewayBusy(429, 60)
    ann = story.patient(day=7, welcome=False)
    del story.carrier.failing[ann.number]
    story.forward(minutes=3)
    ann.expects_all(FIRST_TEXT, CHECKIN)


def test_a_check_in_that_passed_during_an_outage_is_told_to_the_front_desk(story: Story) -> None:
    ann = on_day_3(story)
    story.outage(until="2026-11-06 12:00")
    assert story.plan(ann)["checkin-4"].state == "expired"
    assert story.tasks() == ["checkin_missed"]
    ann.expects("day 7", CHECKIN)
    story.forward(hours=1)
    assert story.tasks() == ["checkin_missed"]
