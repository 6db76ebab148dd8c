"""`kill -9` of workers, real ones: at each step of sending a text, and again and again while they work."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.fleet import NURSE, PATIENCE, Fleet
from tests.faults.worker import STEPS
from tests.running import wait_for
from tests.story import CHECKIN, FIRST_TEXT

pytestmark = pytest.mark.fault


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_is_killed_at_a_step(fleet: Fleet, step: str) -> None:
    """No callback tells what became of its texts: the provider must be asked."""
    fleet.standin.mute()
    numbers = fleet.enrol(12)
    dying = fleet.worker(step, 3 if step == "handed over" else 1)
    assert dying.wait(PATIENCE) == -9, fleet.log
    fleet.worker()
    wait_for("every text", lambda: all(fleet.texted(n, FIRST_TEXT, CHECKIN)() for n in numbers), seconds=PATIENCE)
    fleet.finish("the end of every text")
    assert fleet.errors() == []


@pytest.mark.engine("postgresql")
def test_workers_that_are_killed_again_and_again(fleet: Fleet) -> None:
    """Some hundred texts, three workers, one of them killed every second; meanwhile patients report pus."""
    numbers, chance = fleet.enrol(100), random.Random(7)
    fleet.web()
    workers = [fleet.worker() for _ in range(3)]
    for turn in range(20):
        time.sleep(chance.uniform(0.3, 1.5))
        if turn % 5 == 4:
            sick = numbers[turn]
            wait_for("the check-in", fleet.texted(sick, CHECKIN), seconds=PATIENCE)
            assert fleet.standin.patient_texts(sick, "there is pus") == 200
        victim = chance.randrange(3)
        fleet.kill(workers[victim])
        workers[victim] = fleet.worker()
    wait_for("every text", lambda: all(fleet.texted(n, FIRST_TEXT, CHECKIN)() for n in numbers), seconds=PATIENCE)
    fleet.finish("the end of every text")
    assert fleet.errors() == []
    assert fleet.count() > 300
    assert sum("pus" in m.body for m in fleet.standin.sent_to(NURSE)) >= 4


@pytest.mark.engine("sqlite")
def test_two_workers_on_one_sqlite_file_are_safe(fleet: Fleet) -> None:
    """One of them is enough, but a second one that was started by mistake loses and doubles nothing."""
    numbers = fleet.enrol(40)
    fleet.web()
    first, _ = fleet.worker(), fleet.worker()
    wait_for("the first check-ins", fleet.texted(numbers[0], CHECKIN), seconds=PATIENCE)
    assert fleet.standin.patient_texts(numbers[0], "there is pus") == 200
    fleet.kill(first)
    fleet.worker()
    wait_for("every text", lambda: all(fleet.texted(n, FIRST_TEXT, CHECKIN)() for n in numbers), seconds=PATIENCE)
    fleet.finish("the end of every text")
    assert fleet.errors() == []
