"""The machine's clock is set two hours back, or forward, and later right again, while all processes run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.models import Message
from tests.faults.fleet import KEPT_BUSY, PATIENCE, UNDER_WAY, Fleet
from tests.running import wait_for
from tests.story import CHECKIN, FIRST_TEXT
from tests.twilio_standin import Delivery, reset

pytestmark = pytest.mark.fault
PATIENTS, WORKERS = 24, 3
RIGHT = timedelta()


@pytest.mark.parametrize("off", [timedelta(hours=-2), timedelta(hours=2)], ids=["back", "forward"])
def test_the_clock_is_set_and_set_right_again(fleet: Fleet, off: timedelta) -> None:
    """Under load each time, and the answers to some texts are lost. Who reports pus is paged for at once, whatever
    the hour; so is who did while the web process could not be reached."""
    numbers = fleet.enrol(PATIENTS)
    fleet.web()
    for _ in range(WORKERS):
        fleet.worker()
    wait_for("the first texts", lambda: fleet.reached(numbers, FIRST_TEXT) > 0, seconds=PATIENCE)
    fleet.set_clock(off)
    pages_leave(fleet, numbers[:4])
    late = fleet.enrol(PATIENTS // 2, first=PATIENTS)
    for number in late[::2]:
        fleet.standin.fail_next(reset(accepts=True), to=number)
        fleet.standin.deliver_next(Delivery(calls_back=False), to=number)
    wait_for("texts of this hour", lambda: fleet.reached(late, FIRST_TEXT) > 0, seconds=PATIENCE)
    if off > RIGHT:  # what is planned by a clock that is ahead waits for that hour to come
        fleet.expect([*numbers[4:], *late], FIRST_TEXT, CHECKIN)
        wait_for("an end to all doubt", lambda: fleet.count(Message.state.in_(UNDER_WAY)) == 0, seconds=PATIENCE)
    pages_leave(fleet, numbers[4:8])
    fleet.set_clock(RIGHT)
    fleet.mended()
    pages_leave(fleet, numbers[8:12])
    fleet.expect([*numbers[12:], *late], FIRST_TEXT, CHECKIN)
    fleet.finish("the end of every text")
    assert fleet.errors(but=KEPT_BUSY) == []


def pages_leave(fleet: Fleet, numbers: list[str]) -> None:
    before = len(fleet.pages())
    for n, number in enumerate(numbers):
        fleet.standin.patient_texts(number, "there is pus", lost=n % 2 == 1)
    wait_for("the pages", lambda: len(fleet.pages()) >= before + len(numbers), seconds=PATIENCE)
