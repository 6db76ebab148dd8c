"""One text that breaks the program, on its way out or in, keeps no other waiting, and is tried again."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy import delete, update

from monitor.db import transaction
from monitor.errors import GatewayError
from monitor.models import Inbound, Message, Patient
from monitor.services.dispatch import BATCH
from monitor.services.receive import save_inbound
from monitor.services.reconcile import fetch_inbound
from monitor.sms.phones import PhonesGateway
from tests.services.spoiled import PEOPLE, errors_in, spoil
from tests.story import Story


def test_a_text_that_cannot_be_prepared_is_set_aside_and_tried_again(story: Story) -> None:
    ann, bob = (story.patient(name, number, day=3) for name, number in PEOPLE)
    kept = spoil(story, Patient, ann.id, timezone="Mars/Olympus")
    story.expects_error("claim, item ")
    story.forward(seconds=6)
    bob.expects("no sauna")
    ann.expects_nothing()
    spoil(story, Patient, ann.id, **kept)
    story.forward(seconds=60)
    ann.expects("no sauna")


def test_a_text_that_never_can_be_prepared_is_given_to_a_person(story: Story) -> None:
    ann = story.patient(day=3)
    with transaction(story.app.sessions) as session:
        session.execute(update(Message).where(Message.template == "step.advice").values(kind="another age"))
    story.expects_error("claim, item ")
    story.forward(hours=13)
    (row,) = story.all(Message, Message.kind == "another age", Message.attempts > 0)
    assert (row.state, row.why) == ("failed", "the program could not prepare it")
    assert "text_broken" in story.tasks()
    ann.new_texts()


def test_texts_that_break_the_program_do_not_keep_others_waiting(story: Story) -> None:
    """More of them than a batch holds, each more urgent than what waits behind them."""
    ann = story.patient(day=3)
    with transaction(story.app.sessions) as session:
        for number in range(BATCH + 3):
            row = Message(once=f"broken:{number}", clinic_id=1, patient_id=ann.id, kind="another age", priority=0)
            row.to_number, row.due_at, row.created_at = f"+1202555{number:04d}", story.clock.now(), story.clock.now()
            session.add(row)
    story.expects_error("claim, item ")
    story.forward(seconds=6)
    ann.expects("no sauna")
    with transaction(story.app.sessions) as session:
        session.execute(delete(Message).where(Message.kind == "another age"))


def test_a_send_that_breaks_the_program_does_not_end_the_pass(story: Story) -> None:
    ann, bob = (story.patient(name, number, day=3) for name, number in PEOPLE)
    story.carrier.failing[ann.number] = cast("GatewayError", RuntimeError("a library of another age"))
    story.expects_error("send, item ")
    before = errors_in("send")
    story.forward(seconds=6)
    bob.expects("no sauna")
    assert errors_in("send") == before + 1
    del story.carrier.failing[ann.number]
    for _ in range(5):
        story.forward(minutes=1)
    ann.expects("no sauna")


def test_a_text_in_doubt_that_fails_does_not_keep_the_others_in_doubt(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = (story.patient(name, number, day=3) for name, number in PEOPLE)
    story.carrier.answer_lost |= {ann.number, bob.number}
    story.expects_error("reconcile, item ")
    advice = Message.template == "step.advice"
    with monkeypatch.context() as patched:
        patched.setattr(PhonesGateway, "sent_since", failing_for(ann.number, PhonesGateway.sent_since))
        story.forward(minutes=1)
        states = {row.to_number: row.state for row in story.all(Message, advice)}
        assert states == {ann.number: "unknown", bob.number: "delivered"}
    story.run()
    assert [row.state for row in story.all(Message, advice)] == ["delivered", "delivered"]
    for patient in (ann, bob):
        patient.expects("no sauna")


def test_a_missed_text_that_cannot_be_kept_is_fetched_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob = (story.patient(name, number, day=30) for name, number in PEOPLE)
    for patient in (ann, bob):
        story.carrier.type_text(patient.number, "all is well")
    save = save_inbound
    with monkeypatch.context() as patched:
        patched.setattr("monitor.services.reconcile.save_inbound", failing_for(ann.number, save))
        assert fetch_inbound(story.app.sessions, story.app.gateway, story.clock) == 1
    story.expects_error("fetch inbound, item ")
    story.clock.forward(hours=1)
    assert fetch_inbound(story.app.sessions, story.app.gateway, story.clock) == 1
    assert [row.from_number for row in story.all(Inbound)] == [bob.number, ann.number]
    story.run()
    for patient in (ann, bob):
        story.unread(patient.number)


def failing_for(number: str, real: Any) -> Any:
    """The real function, which breaks where this number is among its arguments."""

    def call(*arguments: Any, **more: Any) -> Any:
        if number in arguments or any(getattr(argument, "from_", None) == number for argument in arguments):
            raise RuntimeError("granny has pus")
        return real(*arguments, **more)

    return call
