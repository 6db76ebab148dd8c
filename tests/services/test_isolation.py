"""Reading, paging and sending do not stop one another, and whoever watches the program learns that one failed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.request import urlopen

import pytest

from monitor.db import transaction
from monitor.errors import NotReady
from monitor.models import Message
from monitor.scheduler import TICK_ERRORS, Ticks
from monitor.services.dispatch import BATCH, dispatch
from monitor.sms.gateway import Accepted, Text
from monitor.sms.phones import PhonesGateway
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
            row.to_number, row.due_at, row.created_at = f"+1202555{number:04d}", now, now
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
