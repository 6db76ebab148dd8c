"""`kill -9` of workers, real ones: at each step of sending a text, and again and again while they work."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from tests.faults.fleet import PATIENCE, Fleet
from tests.faults.process import STEPS
from tests.running import wait_for
from tests.story import CHECKIN, FIRST_TEXT

pytestmark = pytest.mark.fault
WORKERS = 3
TO_EACH = 2  # texts, soon after enrolment
NEARLY_ALL = 0.99


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_is_killed_at_a_step(fleet: Fleet, step: str) -> None:
    """No callback tells what became of its texts: the provider must be asked."""
    fleet.standin.mute()
    numbers = fleet.enrol(12)
    dying = fleet.worker(step, 3 if step == "handed over" else 1)
    assert dying.wait(PATIENCE) == -9, fleet.log
    fleet.mended()
    fleet.worker()
    fleet.expect(numbers, FIRST_TEXT, CHECKIN)
    fleet.finish("the end of every text")
    assert fleet.errors() == []


@pytest.mark.engine("postgresql")
def test_workers_that_are_killed_again_and_again(
    fleet: Fleet, fault_texts: int, record_property: Callable[[str, object], None]
) -> None:
    """Three workers, one of them killed every second until nearly all is sent; meanwhile patients report pus."""
    numbers, chance, sick = fleet.enrol(fault_texts // TO_EACH), random.Random(7), list[str]()
    fleet.web()
    workers = [fleet.worker() for _ in range(WORKERS)]
    kills = 0
    while kills < 20 or fleet.reached(numbers, CHECKIN) < len(numbers) * NEARLY_ALL:
        time.sleep(chance.uniform(0.3, 1.5))
        if kills % 5 == 4:
            sick.append(numbers[len(sick)])
            wait_for("the check-in", fleet.texted(sick[-1], CHECKIN), seconds=PATIENCE)
            assert fleet.standin.patient_texts(sick[-1], "there is pus") == 200
        victim = chance.randrange(WORKERS)
        fleet.kill(workers[victim])
        workers[victim] = fleet.worker()
        kills += 1
    record_property("kills", kills)
    fleet.mended()
    fleet.expect(numbers, FIRST_TEXT, CHECKIN)
    fleet.finish("the end of every text")
    assert fleet.errors() == []
    assert fleet.count() > fault_texts
    assert len(fleet.pages()) >= len(sick) >= 4
