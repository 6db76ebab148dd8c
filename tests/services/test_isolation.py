"""Reading, paging and sending do not stop one another, and whoever watches the program learns that one failed."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.request import urlopen

import pytest
from sqlalchemy import delete, select, update

from monitor.db import transaction
from monitor.errors import NotReady
from monitor.models import Alert, Clinic, Episode, Heartbeat, Message, Patient, Task
from monitor.scheduler import TICK_ERRORS, Ticks
from monitor.services.chase import extend_plans
from monitor.services.clinic import create_clinic
from monitor.services.dispatch import BATCH, dispatch
from monitor.services.read import read_waiting
from monitor.sms.gateway import Accepted, Text
from monitor.sms.phones import PhonesGateway
from tests.services.spoiled import PEOPLE, errors_in, spoil
from tests.stories.people import on_day_3
from tests.story import Story

BROKEN = {"read": "read_waiting", "escalate": "escalate", "dispatch": "dispatch"}


def fail(*_: object, **__: object) -> int:
    raise RuntimeError("granny has pus")


def count(name: str) -> float:
    return float(TICK_ERRORS.labels(name)._value.get())


@pytest.mark.parametrize("name", ["read", "escalate"])
def test_what_is_due_leaves_although_another_part_fails(
    name: str, story: Story, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ann = on_day_3(story)
    story.clock.move_to(story.moment("2026-11-03 11:30"))
    before = count(name)
    monkeypatch.setattr(f"monitor.scheduler.{BROKEN[name]}", fail)
    story.ticks.urgent()
    ann.expects("day 4")
    assert count(name) == before + 1
    assert "RuntimeError in" in caplog.text
    assert "granny" not in caplog.text
    story.expects_error(f"tick urgent, {name}")


def test_a_reply_is_read_and_staff_are_asked_although_nothing_can_be_sent(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = story.asked(day=7)
    ann.types("there is pus")
    with monkeypatch.context() as broken:
        broken.setattr("monitor.scheduler.dispatch", fail)
        story.ticks.urgent()
    story.expects_error("tick urgent, dispatch")
    assert story.alert().band == "urgent"
    assert story.results() == ["alert:answer"]
    story.run()
    assert "The team has been told" in ann.new_texts()[0]
    story.unread("+12025550199")


def test_the_watcher_is_not_told_that_all_is_well_while_the_last_tick_failed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    pings: list[str] = []

    def ping(url: str, timeout: float) -> Any:
        pings.append(url)
        return urlopen("data:,")

    monkeypatch.setattr("urllib.request.urlopen", ping)
    settings = story.app.settings.model_copy(update={"heartbeat_url": "https://watch.example.org/ping"})
    ticks = Ticks(replace(story.app, settings=settings))
    ticks.heartbeat()
    assert len(pings) == 1
    with monkeypatch.context() as broken:
        broken.setattr("monitor.scheduler.escalate", fail)
        ticks.urgent()
    ticks.heartbeat()
    assert len(pings) == 1
    ticks.urgent()
    ticks.heartbeat()
    assert len(pings) == 2
    story.expects_error("tick urgent, escalate")


def test_a_database_that_is_away_ends_the_tick(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> int:
        raise NotReady("the database cannot work now")

    monkeypatch.setattr("monitor.scheduler.read_waiting", away)
    with pytest.raises(NotReady):
        story.ticks.urgent()
    assert not story.ticks.well


def test_a_reply_is_read_between_two_batches(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A morning's check-ins fill several batches; an emergency that comes in meanwhile waits for one of them."""
    order: list[str] = []
    ann = story.patient(day=30)
    now = story.clock.now()
    with transaction(story.app.sessions) as session:
        for number in range(2 * BATCH):
            row = Message(once=f"bulk:{number}", clinic_id=1, kind="notice", body=f"notice {number}", priority=9)
            row.to_number, row.due_at, row.created_at = f"+1202556{number:04d}", now, now
            session.add(row)
    send = PhonesGateway.send

    def noted(gateway: PhonesGateway, text: Text) -> Accepted:
        if not order:
            ann.types("I cannot breathe")
        order.append(text.to)
        return send(gateway, text)

    monkeypatch.setattr(PhonesGateway, "send", noted)
    story.ticks.urgent()
    assert BATCH - 1 <= order.index(ann.number) < 2 * BATCH
    for phone in {*order, "+12025550199"}:
        story.unread(phone)
    assert dispatch(story.app.sessions, story.app.gateway, story.clock, worker="one more") == 0


# --- one item that breaks its pass


def two_alerts(story: Story) -> tuple[Alert, Alert]:
    """Two patients' alerts that nobody has been paged for."""
    for patient in [story.patient(name, number, day=30) for name, number in PEOPLE]:
        patient.types("there is pus")
    read_waiting(story.app.sessions, story.clock)
    first, second = story.all(Alert)
    return first, second


def test_an_alert_whose_step_fails_does_not_stop_the_paging_of_the_others(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = two_alerts(story)
    nurse, before = story.staff(), errors_in("escalate")
    kept = spoil(story, Alert, first.id, band="another age")
    story.expects_error(f"escalate, item {first.id}: ")
    story.run()
    nurse.expects_page("URGENT", "B.S.")
    assert errors_in("escalate") > before
    assert story.tasks() == ["alert_stuck"], "somebody must look at the one that cannot be paged"
    assert f"escalate, item {first.id}: ValueError in" in caplog.text
    assert not any(word in caplog.text for word in ("another age", "Ann", "+12025550101"))
    assert caplog.text.count("escalate, item") == 1, "an urgent pass comes often: what is known is not logged again"
    spoil(story, Alert, first.id, **kept)
    story.run()
    nurse.expects_page("URGENT", "A.C.")
    for phone in ("+12025550101", "+12025550102"):
        story.unread(phone)


def test_a_failing_alert_cannot_fill_the_batch(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = two_alerts(story)
    monkeypatch.setattr("monitor.services.escalate.BATCH", 1)
    nurse = story.staff()
    kept = spoil(story, Alert, first.id, band="another age")
    story.expects_error(f"escalate, item {first.id}: ")
    story.run()
    nurse.expects_page("B.S.")
    spoil(story, Alert, first.id, **kept)
    story.run()
    nurse.expects_page("A.C.")
    for phone in ("+12025550101", "+12025550102"):
        story.unread(phone)


def test_a_late_promise_that_cannot_be_told_does_not_silence_the_others(story: Story) -> None:
    ann, bob = (story.patient(name, number, day=30) for name, number in PEOPLE)
    for patient in (ann, bob):
        patient.texts("there is pus")
        patient.expects("The team has been told")
    first, _ = story.all(Alert)
    kept = spoil(story, Patient, ann.id, timezone="Mars/Olympus")
    story.expects_error(f"late promises, item {first.id}: ")
    story.until("2026-11-02 16:01")
    bob.expects("We said we would call")
    spoil(story, Patient, ann.id, **kept)
    story.run()
    ann.expects("We said we would call")
    story.unread("+12025550199")


def test_a_checkin_that_fails_does_not_hide_the_silence_of_the_others(story: Story) -> None:
    ann, bob = (story.asked(name, number) for name, number in PEOPLE)
    (question,) = story.all(
        Message, Message.patient_id == ann.id, Message.kind == "checkin", Message.state == "delivered"
    )
    kept = spoil(story, Message, question.id, question="of another age")
    story.expects_error("chase, item ")
    story.forward(hours=7)
    bob.expects("Reminder")
    ann.expects_nothing()
    spoil(story, Message, question.id, **kept)
    story.run()
    ann.expects("Reminder")


def test_a_calendar_that_cannot_be_extended_does_not_end_the_others(story: Story) -> None:
    ann, bob = (story.patient(name, number, day=30) for name, number in PEOPLE)
    soon = story.clock.now() + timedelta(days=1)
    for patient in (ann, bob):
        spoil(story, Episode, patient.episode, planned_until=soon)
    kept = spoil(story, Patient, ann.id, timezone="Mars/Olympus")
    story.expects_error(f"extend plans, item {ann.episode}: ")
    assert extend_plans(story.app.sessions, story.clock) == 1
    assert [e.planned_until > soon for e in story.all(Episode)] == [False, True]
    spoil(story, Patient, ann.id, **kept)
    assert extend_plans(story.app.sessions, story.clock) == 1
    assert extend_plans(story.app.sessions, story.clock) == 0


def test_a_clinic_whose_digest_fails_does_not_cost_the_others_theirs(story: Story) -> None:
    nurse = story.staff()
    with transaction(story.app.sessions) as session:
        other = create_clinic(session, {"name": "A poor one", "timezone": "UTC"}, now=story.clock.now())
        session.add(Task(once="t", clinic_id=1, kind="appointment", opened_at=story.clock.now()))
        session.execute(update(Clinic).where(Clinic.id == other.id).values(id=-1, timezone="Mars/Olympus"))
    story.expects_error("digest, item -1: ")
    story.clock.move_to(story.moment("2026-11-03 08:30"))
    story.run()
    nurse.expects("Smile Dental, 1 waiting")
    spoil(story, Clinic, -1, timezone="UTC")
    story.run()
    assert spoil(story, Clinic, -1, digested_on=None)["digested_on"] is not None


def test_an_alert_that_cannot_be_described_leaves_its_number_in_the_digest(story: Story) -> None:
    first, second = two_alerts(story)
    nurse = story.staff()
    for alert in (first, second):  # not paged before the digest
        spoil(story, Alert, alert.id, step_at=story.moment("2026-11-03 12:00"))
    spoil(story, Alert, first.id, protocol_version_id=first.protocol_version_id, signs=[["of another age"]])
    story.expects_error(f"digest line, item {first.id}: ")
    story.clock.move_to(story.moment("2026-11-03 08:30"))
    story.run()
    nurse.expects(f"alert {first.id}, see the list;", "B.S. chart - day 30: pus")
    for phone in ("+12025550101", "+12025550102"):
        story.unread(phone)


def test_work_that_fails_shows_until_it_is_done(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = two_alerts(story)
    pings: list[str] = []

    def ping(url: str, timeout: float) -> io.BytesIO:
        pings.append(url)
        return io.BytesIO()

    monkeypatch.setattr("urllib.request.urlopen", ping)
    settings = story.app.settings.model_copy(update={"heartbeat_url": "https://watch.example.org/ping"})
    ticks = Ticks(replace(story.app, settings=settings))
    kept = spoil(story, Alert, first.id, band="another age")
    story.expects_error(f"escalate, item {first.id}: ")
    ticks.urgent()
    ticks.heartbeat()
    assert pings == []
    assert "failing: escalate" in heartbeats(story)
    spoil(story, Alert, first.id, **kept)
    ticks.urgent()
    with transaction(story.app.sessions) as session:
        session.execute(delete(Heartbeat))  # a minute later
    ticks.heartbeat()
    assert len(pings) == 1
    assert heartbeats(story) == ["worker"]
    for phone in ("+12025550101", "+12025550102", "+12025550199"):
        story.unread(phone)


def heartbeats(story: Story) -> list[str]:
    with transaction(story.app.sessions) as session:
        return list(session.scalars(select(Heartbeat.name).order_by(Heartbeat.name)))
