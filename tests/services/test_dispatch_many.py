"""Many texts at once: recorded together, paced, held back while the provider asks for a pause; urgent ones go first."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.domain.sending import PRIORITY, Kind
from monitor.errors import GatewayBusy, GatewayRefused, GatewayUnreachable
from monitor.locking import lock
from monitor.models import Message
from monitor.scheduler import Ticks
from monitor.services import dispatch
from monitor.services.claim import Claimed, claim
from monitor.services.dispatch import AT_ONCE, Flight
from monitor.services.outcome import Ended, record_outcomes
from monitor.services.pace import Held, Pace
from monitor.services.settle import settle
from monitor.sms.gateway import Accepted, Text
from monitor.sms.twilio_gateway import TwilioGateway
from tests.running import wait_for
from tests.services.conftest import NURSE, OnTwilio
from tests.twilio_standin.faults import busy, refusal, reset
from tests.twilio_standin.standin import ACCOUNT_SID, AUTH_TOKEN, NUMBER

MANY = 40


@pytest.fixture
def on_twilio(on_twilio: OnTwilio) -> OnTwilio:
    """With a provider that may take its time: many requests at once are slow on a busy machine."""
    gateway = TwilioGateway(
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
        from_number=NUMBER,
        base_url=on_twilio.standin.url,
        public_url=on_twilio.app.settings.public_url,
        read_timeout=30.0,
    )
    app = replace(on_twilio.app, gateway=gateway)
    return replace(on_twilio, app=app, ticks=Ticks(app))


def queue(on_twilio: OnTwilio, count: int, *, kind: Kind = Kind.CHECKIN, first: str = "+1202555{:04d}") -> list[str]:
    """So many texts that are due, each to a number of its own; returns the numbers."""
    now, numbers = on_twilio.clock.now(), [first.format(n) for n in range(count)]
    with transaction(on_twilio.app.sessions) as session:
        for number in numbers:
            row = Message(once=f"{kind}:{number}", clinic_id=1, kind=kind, body=f"to {number}", priority=PRIORITY[kind])
            row.to_number, row.due_at, row.created_at = number, now, now
            session.add(row)
    return numbers


def states(on_twilio: OnTwilio) -> Counter[str]:
    return Counter(row.state for row in on_twilio.rows())


def sent(on_twilio: OnTwilio) -> Counter[str]:
    return Counter(message.to for message in on_twilio.standin.messages)


def test_texts_that_end_together_are_each_recorded_as_they_ended(on_twilio: OnTwilio) -> None:
    on_twilio.standin.mute()
    refused, lost, *others = queue(on_twilio, MANY)
    on_twilio.standin.fail_next(refusal(21211), to=refused)
    on_twilio.standin.fail_next(reset(accepts=True), to=lost)
    on_twilio.ticks.urgent()
    assert states(on_twilio) == {State.SENT: MANY - 2, State.FAILED: 1, State.UNKNOWN: 1}
    assert sent(on_twilio) == Counter([lost, *others])
    sids = {row.sid for row in on_twilio.rows(Message.state == State.SENT)}
    assert len(sids) == MANY - 2


def test_outcomes_that_cannot_be_recorded_together_are_recorded_one_by_one(
    on_twilio: OnTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_twilio.standin.mute()

    def fail(*_: object) -> None:
        raise RuntimeError("one of them breaks the program")

    monkeypatch.setattr("monitor.services.outcome.update_each", fail)
    numbers = queue(on_twilio, MANY)
    on_twilio.ticks.urgent()
    assert states(on_twilio) == {State.SENT: MANY}
    assert sent(on_twilio) == Counter(numbers)


def test_outcomes_whose_transaction_a_deadlock_breaks_off_are_recorded_one_by_one(
    on_twilio: OnTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callbacks of the same texts were being applied together."""
    on_twilio.standin.mute()

    class Deadlock(Exception):
        sqlstate = "40P01"

    def broken_off(*_: object, **__: object) -> None:
        raise OperationalError("UPDATE", None, Deadlock())

    monkeypatch.setattr("monitor.services.outcome.update_each", broken_off)
    numbers = queue(on_twilio, MANY)
    on_twilio.ticks.urgent()
    assert on_twilio.ticks.well
    assert states(on_twilio) == {State.SENT: MANY}
    assert sent(on_twilio) == Counter(numbers)


def test_what_can_wait_leaves_at_the_senders_rate_and_a_page_at_once(on_twilio: OnTwilio) -> None:
    queue(on_twilio, MANY)
    ticks = Ticks(on_twilio.app)
    ticks.pace = Pace(per_second=4)
    ticks.urgent()
    assert len(on_twilio.standin.messages) == 2  # half a second's worth
    on_twilio.clock.forward(seconds=0.25)
    queue(on_twilio, 1, kind=Kind.PAGE, first=NURSE)
    ticks.urgent()
    assert [message.to for message in on_twilio.standin.messages].count(NURSE) == 1
    for _ in range(20):
        on_twilio.clock.forward(seconds=0.25)
        ticks.urgent()
    assert 20 <= len(on_twilio.standin.messages) <= 24
    on_twilio.standin.settle()


def test_a_provider_that_is_busy_is_left_alone_for_as_long_as_it_asks(on_twilio: OnTwilio) -> None:
    """All but what it refused keep their place and their attempts; pages go on."""
    on_twilio.standin.mute()
    numbers = queue(on_twilio, 3 * MANY)
    on_twilio.standin.fail_next(busy(7), times=None)
    on_twilio.ticks.urgent()
    asked = len(on_twilio.standin.requests)
    assert sum(row.attempts for row in on_twilio.rows()) == asked
    assert states(on_twilio) == {State.PLANNED: 3 * MANY}
    on_twilio.clock.forward(seconds=6)
    on_twilio.ticks.urgent()
    assert len(on_twilio.standin.requests) == asked
    queue(on_twilio, 1, kind=Kind.PAGE, first=NURSE)
    on_twilio.ticks.urgent()
    assert len(on_twilio.standin.requests) == asked + 1
    on_twilio.standin._rest.faults._planned.clear()
    for _ in range(4):
        on_twilio.clock.forward(seconds=10)
        on_twilio.ticks.urgent()
    assert sent(on_twilio) == Counter([*numbers, NURSE])


def test_a_page_does_not_wait_for_check_ins_that_hang(on_twilio: OnTwilio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider answers none of the texts under way; the worker goes on reading, paging and sending pages."""
    queue(on_twilio, AT_ONCE + MANY)
    answered, gateway = threading.Event(), on_twilio.app.gateway
    send = gateway.send

    def hang(text: Text) -> Future[Accepted]:
        if text.to == NURSE or answered.is_set():
            return send(text)
        return pool.submit(lambda: answered.wait(30) and send(text).result())

    monkeypatch.setattr(gateway, "send", hang)
    app = on_twilio.app
    on_twilio.standin.mute()
    flight = Flight(app.sessions, gateway, app.clock, worker="one that waits")
    with ThreadPoolExecutor(AT_ONCE) as pool, flight:
        while flight.claim():
            pass
        assert flight.step() >= AT_ONCE
        queue(on_twilio, 1, kind=Kind.PAGE, first=NURSE)
        flight.step()
        wait_for("the page", lambda: NURSE in sent(on_twilio), seconds=5)
        answered.set()
    on_twilio.ticks.urgent()
    assert set(sent(on_twilio).values()) == {1}
    assert len(sent(on_twilio)) == AT_ONCE + MANY + 1


def test_a_process_that_was_stopped_after_its_claim_sends_nothing_any_more(
    on_twilio: OnTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then its lease may be over, and another worker at the same texts."""
    numbers = queue(on_twilio, 3)
    inner = dispatch.claim

    def claim_and_stop(*arguments: Any, **more: Any) -> Sequence[Claimed]:
        claimed = inner(*arguments, **more)
        on_twilio.clock.forward(seconds=dispatch.LEAVES_WITHIN.total_seconds() + 1)
        return claimed

    app = on_twilio.app
    with monkeypatch.context() as patched, Flight(app.sessions, app.gateway, app.clock, worker="stopped") as flight:
        patched.setattr(dispatch, "claim", claim_and_stop)
        assert flight.claim() == len(numbers)
    assert on_twilio.standin.requests == []
    assert [(row.state, row.attempts) for row in on_twilio.rows()] == [(State.PLANNED, 0)] * len(numbers)
    on_twilio.ticks.urgent()
    on_twilio.standin.settle()
    assert sent(on_twilio) == Counter(numbers)


@pytest.mark.parametrize("outcome", [Held(), GatewayBusy(503), GatewayRefused(21211), GatewayUnreachable("gone")])
def test_what_became_of_an_attempt_says_nothing_of_the_next_one(on_twilio: OnTwilio, outcome: Exception) -> None:
    """The first worker is so late that its text was given to a second one, which is sending it now."""
    queue(on_twilio, 1)
    app = on_twilio.app
    (late,) = claim(app.sessions, app.clock.now(), worker="late")
    with transaction(app.sessions) as session:
        settle(session, lock(session, Message, late.id), State.PLANNED, now=app.clock.now(), why="it had not been sent")
    (second,) = claim(app.sessions, app.clock.now(), worker="second")
    record_outcomes(app.sessions, {late.id: Ended(late.attempt, outcome)}, app.clock)
    (row,) = on_twilio.rows()
    assert (row.state, row.worker, row.attempts) == (State.SENDING, "second", 2)
    record_outcomes(app.sessions, {late.id: Ended(second.attempt, outcome)}, app.clock)
    (row,) = on_twilio.rows()
    assert (row.state, row.worker) == (State.FAILED if isinstance(outcome, GatewayRefused) else State.PLANNED, None)
