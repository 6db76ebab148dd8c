"""The built-in phones' calls and clock: a key takes an alert, and no moment is jumped over."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.models import Alert, Inbound, Message, PhoneText, VirtualClock
from monitor.web.phone_clock import AMOUNTS, MAX_STEPS, move_clock
from tests.web.visitor import ANN, CHOKING, DOCTOR, NURSE, PUS, Visitor, count


@pytest.fixture
def ringing(visitor: Visitor) -> str:
    """The number of a call that rings on the nurse's phone."""
    visitor.text(ANN, CHOKING)
    found = re.search(r'name="message" value="(\d+)"', visitor.get("/phones?find=lind").text)
    assert found is not None
    return found[1]


def test_pressing_a_key_takes_the_alert_and_the_call_is_over(visitor: Visitor, ringing: str) -> None:
    assert "Incoming call" in visitor.reads()
    answer = visitor.post("call", message=ringing, key="1")
    assert answer.headers["location"] == "/phones#phone-12025550171"
    words = visitor.reads("/phones?find=lind")
    assert "Incoming call" not in words
    assert "Call ended" in words
    assert "Taken by Nurse Lind" in words
    assert "It is yours" in words


def test_a_call_that_rings_out_takes_nothing(visitor: Visitor, ringing: str) -> None:
    assert visitor.post("call", message=ringing, key="none").status_code == 303
    assert "Incoming call" not in visitor.reads()
    assert count(visitor.app, Message, Message.id == int(ringing), Message.state == "undelivered") == 1
    assert count(visitor.app, Alert, Alert.state == "open") == 1


def test_of_several_calls_about_one_alert_only_the_newest_rings(visitor: Visitor, ringing: str) -> None:
    visitor.post("clock", amount="10 minutes")
    page = visitor.get("/phones?find=lind").text
    assert count(visitor.app, PhoneText, PhoneText.phone == NURSE, PhoneText.call) > 1
    assert page.count("Incoming call") == 1
    assert f'value="{ringing}"' not in page


@pytest.mark.parametrize("key", ["", "2", "11"])
def test_another_key_is_refused_by_name(visitor: Visitor, ringing: str, key: str) -> None:
    answer = visitor.post("call", message=ringing, key=key)
    assert answer.status_code == 422
    assert "<strong>key</strong>" in answer.text


@pytest.mark.parametrize("message", ["", "x", "0", "999999", "9" * 30, "1"])
def test_what_is_no_ringing_call_is_refused_by_name(visitor: Visitor, message: str) -> None:
    answer = visitor.post("call", message=message, key="1")
    assert answer.status_code == 422
    assert "<strong>message</strong>" in answer.text


def test_a_call_is_answered_once(visitor: Visitor, ringing: str) -> None:
    visitor.post("call", message=ringing, key="1")
    assert visitor.post("call", message=ringing, key="1").status_code == 422


# --- the clock


@pytest.mark.parametrize("amount", AMOUNTS)
def test_the_clock_moves_on_by_the_amount_and_is_kept(
    visitor: Visitor, amount: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.web.phone_clock.PATIENCE", timedelta(minutes=5))  # a busy machine takes its time
    before = visitor.clock.now()
    answer = visitor.post("clock", amount=amount)
    assert answer.status_code == 303
    assert visitor.clock.now() == before + AMOUNTS[amount]
    assert f"{before + AMOUNTS[amount] - timedelta(hours=5):%H:%M}" in visitor.reads()
    assert "what was due on the way has been done" in visitor.reads(answer.headers["location"])
    assert count(visitor.app, VirtualClock) == 1


def test_the_clock_stops_at_what_is_due_and_at_every_half_hour(visitor: Visitor) -> None:
    visitor.text(ANN, PUS)  # paged at 12:00; the next tiers follow every 15 minutes
    visitor.post("clock", amount="1 hour")
    stops = [f"{at - timedelta(hours=5):%H:%M:%S}" for at in visitor.ran_at]
    assert stops == ["12:00:05", "12:15:00", "12:30:00", "12:45:00", "13:00:00"]  # the first: after a welcome
    assert count(visitor.app, PhoneText, PhoneText.phone == DOCTOR) >= 2


def test_next_moves_to_what_is_due_next(visitor: Visitor) -> None:
    found = re.search(r"Next due : (.*?) (?:Find|Open)", visitor.reads())
    assert found is not None
    visitor.post("clock", amount="next")
    assert f"{visitor.clock.now() - timedelta(hours=5):%H:%M}" in found[1]


def test_next_stays_where_it_is_if_nothing_is_planned(app: App, clock: StoppedClock) -> None:
    visitor, before = Visitor(app, clock), clock.now()
    answer = visitor.post("clock", amount="next")
    assert clock.now() == before
    assert "Nothing is planned ahead" in visitor.reads(answer.headers["location"])


@pytest.mark.parametrize("amount", ["", "-1 day", "2 days", "1 DAY"])
def test_another_amount_is_refused_by_name(visitor: Visitor, amount: str) -> None:
    before = visitor.clock.now()
    answer = visitor.post("clock", amount=amount)
    assert answer.status_code == 422
    assert "<strong>amount</strong>" in answer.text
    assert visitor.clock.now() == before


def test_a_clock_that_meets_something_every_minute_rests_and_says_so(visitor: Visitor) -> None:
    def always_more() -> None:
        with transaction(visitor.app.sessions) as session:
            alert = session.scalars(select(Alert)).one()
            alert.step_at = visitor.clock.now() + timedelta(seconds=30)

    visitor.text(ANN, PUS)
    moved = move_clock(visitor.app, "1 week", always_more)
    assert (moved.steps, moved.arrived) == (MAX_STEPS, False)
    assert "Not all the way" in visitor.reads(f"/phones?moved={moved.steps}&short=1")


def test_what_stays_due_does_not_hold_up_the_clock(visitor: Visitor) -> None:
    visitor.text(ANN, PUS)
    before = visitor.clock.now()
    assert move_clock(visitor.app, "1 day", lambda: None).arrived
    assert visitor.clock.now() == before + timedelta(days=1)


def test_the_clock_of_a_texts_arrival_is_the_virtual_one(visitor: Visitor) -> None:
    visitor.post("clock", amount="3 days")
    visitor.text(ANN, "2")
    with transaction(visitor.app.sessions) as session:
        arrived = session.scalars(select(Inbound.received_at)).one()
    assert arrived == visitor.clock.now() == datetime(2026, 11, 4, 17, tzinfo=UTC)
