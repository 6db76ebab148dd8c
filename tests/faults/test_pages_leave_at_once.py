"""Web and worker apart, on PostgreSQL: a page leaves because the web process has written, not at the next turn.

How soon, and what an idle worker costs, is measured by `bench_idle`.
"""

from __future__ import annotations

import pytest

from tests.faults.fleet import NURSE, PATIENCE, Fleet
from tests.running import wait_for
from tests.story import CHECKIN

pytestmark = [pytest.mark.fault, pytest.mark.engine("postgresql")]
PATIENTS = 20


def test_a_page_leaves_the_worker_at_once(fleet: Fleet) -> None:
    numbers = fleet.enrol(PATIENTS)
    fleet.web()
    fleet.worker(turn=10 * PATIENCE)
    wait_for("every check-in", lambda: all(fleet.texted(n, CHECKIN)() for n in numbers), seconds=PATIENCE)
    wait_for("an idle system", fleet.is_done, seconds=PATIENCE)
    for number, patient in enumerate(numbers):
        assert fleet.standin.patient_texts(patient, "there is pus") == 200
        wait_for("the page", lambda wanted=number + 1: _pages(fleet) >= wanted, seconds=PATIENCE)
    fleet.mended()
    fleet.finish("the end of every text")


def _pages(fleet: Fleet) -> int:
    return sum("pus" in message.body for message in fleet.standin.sent_to(NURSE))
