"""Asking Twilio what it knows: nothing that was sent or that arrived may be missing from the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.clock import StoppedClock
from monitor.domain.delivery import ProviderStatus
from monitor.errors import GatewayRefused, GatewayUnknown
from monitor.sms.gateway import Call, Text
from monitor.sms.twilio_gateway import TwilioGateway
from tests.sms.conftest import GatewayFactory
from tests.twilio_standin import Delivery, Standin, silence
from tests.twilio_standin.standin import NUMBER, PAGE_NUMBER, SERVICE_SID

PATIENT = "+447700900123"
OTHER = "+447700900124"
START = datetime(2026, 3, 28, 23, 59, 50, tzinfo=UTC)


@pytest.fixture
def clock(standin: Standin) -> StoppedClock:
    """Ten seconds before midnight, where filters by day go wrong."""
    stopped = StoppedClock(START)
    standin.account.clock = stopped
    standin.carrier.clock = stopped
    return stopped


def test_what_became_of_a_text(gateway: TwilioGateway, standin: Standin, clock: StoppedClock) -> None:
    standin.deliver_next(Delivery(ends="undelivered", error_code=30003))
    accepted = gateway.send(Text(1, PATIENT, "hello")).result()
    standin.settle()
    found = gateway.fetch(accepted.sid)
    assert (found.to, found.body, found.status) == (PATIENT, "hello", ProviderStatus.UNDELIVERED)
    assert (found.error_code, found.sent_at) == (30003, START)


def test_what_became_of_a_call(gateway: TwilioGateway, standin: Standin) -> None:
    accepted = gateway.send(Call(1, PATIENT, "spoken")).result()
    standin.calls[0].no_answer()
    found = gateway.fetch(accepted.sid)
    assert (found.sid, found.to, found.status) == (accepted.sid, PATIENT, ProviderStatus.NO_ANSWER)
    assert found.sent_at is None


@pytest.mark.parametrize("sid", ["SM0", "CA0"])
def test_a_sid_that_twilio_never_gave_is_refused(gateway: TwilioGateway, sid: str) -> None:
    with pytest.raises(GatewayRefused) as error:
        gateway.fetch(sid)
    assert error.value.code == 20404


def test_a_text_whose_answer_was_lost_is_found(gateway: TwilioGateway, standin: Standin, clock: StoppedClock) -> None:
    standin.fail_next(silence())
    with pytest.raises(GatewayUnknown):
        gateway.send(Text(1, PATIENT, "hello")).result()
    [found] = gateway.sent_since(PATIENT, START)
    assert found.body == "hello"
    assert gateway.sent_since(OTHER, START) == []


def test_a_text_that_still_waits_in_twilios_queue_is_found(
    gateway: TwilioGateway, standin: Standin, clock: StoppedClock
) -> None:
    """It has no date on which it was sent, so a filter by that date would hide it."""
    standin.deliver_next(Delivery(delay=60.0))
    gateway.send(Text(1, PATIENT, "hello")).result()
    [found] = gateway.sent_since(PATIENT, START)
    assert (found.status, found.sent_at) == (ProviderStatus.QUEUED, None)


def test_only_texts_since_then_and_only_ours_count(
    gateway: TwilioGateway, standin: Standin, clock: StoppedClock
) -> None:
    gateway.send(Text(1, PATIENT, "before")).result()
    clock.forward(seconds=20)  # past midnight
    gateway.send(Text(2, PATIENT, "after")).result()
    gateway.send(Text(3, OTHER, "to somebody else")).result()
    standin.patient_texts(PATIENT, "an answer")
    found = gateway.sent_since(PATIENT, START + timedelta(seconds=10))
    assert [sent.body for sent in found] == ["after"]


def test_a_claim_within_the_second_of_the_text_finds_it(gateway: TwilioGateway, clock: StoppedClock) -> None:
    clock.forward(seconds=0.7)
    gateway.send(Text(1, PATIENT, "hello")).result()
    assert len(gateway.sent_since(PATIENT, clock.now() - timedelta(seconds=0.1))) == 1


def test_all_pages_are_read_oldest_first(gateway: TwilioGateway, standin: Standin, clock: StoppedClock) -> None:
    standin.account.largest_page = 3
    for number in range(10):
        gateway.send(Text(number, PATIENT, f"text {number}")).result()
        clock.forward(seconds=3)
    assert [s.body for s in gateway.sent_since(PATIENT, START)] == [f"text {n}" for n in range(10)]


def test_a_text_that_never_reached_us_is_fetched(gateway: TwilioGateway, standin: Standin, clock: StoppedClock) -> None:
    standin.patient_texts(PATIENT, "it hurts\x00 مرحبا 🦷", media=2, lost=True)
    clock.forward(seconds=30)
    standin.patient_texts(OTHER, "all good", lost=True)
    gateway.send(Text(1, PATIENT, "ours")).result()
    first, second = gateway.received_since(START)
    assert (first.from_, first.to, first.body) == (PATIENT, NUMBER, "it hurts\x00 مرحبا 🦷")
    assert (first.media, first.received_at) == (2, START)
    assert second.body == "all good"
    assert [r.body for r in gateway.received_since(START + timedelta(seconds=1))] == ["all good"]


def test_a_local_time_asks_for_the_same_texts(gateway: TwilioGateway, standin: Standin, clock: StoppedClock) -> None:
    from zoneinfo import ZoneInfo

    standin.patient_texts(PATIENT, "it hurts", lost=True)
    assert len(gateway.received_since(START.astimezone(ZoneInfo("Pacific/Auckland")))) == 1
    assert len(gateway.sent_since(PATIENT, START.astimezone(ZoneInfo("Pacific/Auckland")))) == 0


def test_what_we_sent_ourselves_was_not_received(
    make_gateway: GatewayFactory, standin: Standin, clock: StoppedClock
) -> None:
    gateway = make_gateway(messaging_service_sid=SERVICE_SID)
    gateway.send(Text(1, PATIENT, "ours, through the service")).result()
    standin.settle()
    assert gateway.received_since(START) == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["to the number"]),
        ({"page_number": PAGE_NUMBER}, ["to the number", "to the page number"]),
        (
            {"from_number": None, "messaging_service_sid": SERVICE_SID},
            ["to the number", "to the page number"],
        ),
        ({"messaging_service_sid": "MG2"}, ["to the number"]),
    ],
)
def test_only_texts_to_our_senders_are_ours(
    make_gateway: GatewayFactory, standin: Standin, settings: dict[str, str | None], expected: list[str]
) -> None:
    gateway = make_gateway(**settings)
    for number, body in ((NUMBER, "to the number"), (PAGE_NUMBER, "to the page number")):
        standin.patient_texts(PATIENT, body, to=number, lost=True)
    standin.account.service_sid = None
    standin.patient_texts(PATIENT, "to another project", to="+15550999999", lost=True)
    assert [r.body for r in gateway.received_since(START)] == expected
