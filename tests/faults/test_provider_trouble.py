"""The way to the provider, and the provider itself: answers that are lost, nobody there, hangs, 500s, 429s, and
callbacks in every order. Several workers under load; on SQLite they share one file."""

from __future__ import annotations

import time

import pytest

from tests.faults.fleet import KEPT_BUSY, PATIENCE, Fleet
from tests.running import wait_for
from tests.story import CHECKIN, FIRST_TEXT
from tests.twilio_standin import Delivery, Fault, busy, garbled, half, reset, server_error, silence

pytestmark = pytest.mark.fault
PATIENTS, WORKERS = 40, 3
SICK = 5  # patients who report pus while it lasts
LASTS = 4.0  # seconds
HANG = 30.0  # seconds
NETWORK = [reset(accepts=True), reset(), half(), garbled(), silence(), silence(accepts=False)]
BUSY = [server_error(500), server_error(500, accepts=True), busy(retry_after=1), busy()]


def shares(faults: list[Fault], of_all: float) -> list[tuple[Fault, float]]:
    """So many of all requests fail, as often one way as another: the share of what is left for each."""
    each = of_all / len(faults)
    return [(fault, each / (1 - n * each)) for n, fault in enumerate(faults)]


@pytest.mark.parametrize(("faults", "share"), [(NETWORK, 0.3), (BUSY, 0.4)], ids=["cut network", "20% 500, 20% 429"])
def test_some_requests_fail_under_load(fleet: Fleet, faults: list[Fault], share: float) -> None:
    """Some were taken all the same and some were not, and the provider's lists fail as often."""
    numbers = fleet.enrol(PATIENTS)
    for fault, part in shares(faults, share):
        fleet.standin.fail_next(fault, method=None, times=None, share=part)
    fleet.web()
    for _ in range(WORKERS):
        fleet.worker()
    wait_for("the first texts", lambda: fleet.reached(numbers, FIRST_TEXT) > PATIENTS // 2, seconds=PATIENCE)
    for number in numbers[:SICK]:
        assert fleet.standin.patient_texts(number, "there is pus") == 200
    wait_for("the pages", lambda: len(fleet.pages()) >= SICK, seconds=PATIENCE)
    time.sleep(LASTS)
    fleet.standin.mend()
    fleet.mended()
    fleet.expect(numbers[SICK:], FIRST_TEXT, CHECKIN)
    fleet.finish("the end of every text")
    assert fleet.errors(but=KEPT_BUSY) == []


def test_the_provider_is_out_of_reach_for_a_while(fleet: Fleet) -> None:
    """Connections break off in the middle, and new ones are refused."""
    numbers = fleet.enrol(PATIENTS)
    fleet.web()
    for _ in range(WORKERS):
        fleet.worker()
    wait_for("the first texts", lambda: fleet.reached(numbers, FIRST_TEXT) > 0, seconds=PATIENCE)
    for turn in range(2):
        fleet.standin.go_away()
        assert fleet.standin.patient_texts(numbers[turn], "there is pus") == 200
        time.sleep(LASTS / 2)
        fleet.standin.come_back()
        fleet.mended()
        wait_for("the page", lambda wanted=turn + 1: len(fleet.pages()) >= wanted, seconds=PATIENCE)  # type: ignore[misc]
    fleet.expect(numbers[2:], FIRST_TEXT, CHECKIN)
    fleet.finish("the end of every text")
    assert fleet.errors(but=KEPT_BUSY) == []


def test_texts_that_hang_delay_no_other(fleet: Fleet) -> None:
    """Nobody answers for a third of the patients, and the worker would wait for half a minute."""
    numbers = fleet.enrol(PATIENTS)
    hanging, others = numbers[::3], [n for n in numbers if n not in numbers[::3]]
    for number in hanging:
        fleet.standin.fail_next(silence(), to=number)
    fleet.web()
    fleet.worker(read_timeout=HANG)
    wait_for("the hang", lambda: fleet.reached(hanging, FIRST_TEXT) == len(hanging), seconds=PATIENCE)
    start = time.monotonic()
    assert fleet.standin.patient_texts(others[0], "there is pus") == 200
    wait_for("the page", fleet.pages, seconds=HANG)
    fleet.expect(others, FIRST_TEXT)
    assert time.monotonic() - start < HANG
    fleet.mended()
    fleet.expect(numbers[1:], CHECKIN)
    fleet.finish("the end of every text")
    assert fleet.errors(but=KEPT_BUSY) == []


def test_callbacks_are_missing_doubled_reversed_and_early(fleet: Fleet) -> None:
    """A quarter of the texts each; the early ones are reported before the worker has the answer to its request."""
    numbers = fleet.enrol(PATIENTS)
    odd = [Delivery(calls_back=False), Delivery(times=2), Delivery(backwards=True, times=2), Delivery(early=True)]
    for rest, delivery in zip((4, 3, 2, 1), odd, strict=True):
        fleet.standin.deliver_next(delivery, times=None, share=1 / rest)
    fleet.web()
    for _ in range(WORKERS):
        fleet.worker()
    fleet.expect(numbers, FIRST_TEXT, CHECKIN)
    for number in numbers[:SICK]:
        assert fleet.standin.patient_texts(number, "there is pus") == 200
    wait_for("the pages", lambda: len(fleet.pages()) >= SICK, seconds=PATIENCE)
    fleet.mended()
    fleet.finish("the end of every text")
    assert fleet.errors(but=KEPT_BUSY) == []
