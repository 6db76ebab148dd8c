"""The disk fills up under SQLite, under load, and has room again."""

from __future__ import annotations

import resource
import subprocess
import time

import pytest

from tests.faults.fleet import PATIENCE, Fleet
from tests.running import wait_for
from tests.story import CHECKIN, FIRST_TEXT

pytestmark = [pytest.mark.fault, pytest.mark.engine("sqlite")]
PATIENTS, TURNS = 40, 3
FULL = 2.0  # seconds


def test_the_disk_is_full_for_a_while(fleet: Fleet) -> None:
    """The system refuses to let any file of these processes grow, the log among them, as a full disk does."""
    numbers = fleet.enrol(PATIENTS)
    running = [fleet.web(), fleet.worker(), fleet.worker()]
    wait_for("both workers", lambda: fleet.log.count("worker: running") == 2, seconds=PATIENCE)
    wait_for("the first texts", lambda: fleet.reached(numbers, FIRST_TEXT) > 0, seconds=PATIENCE)
    for turn in range(TURNS):
        _let_files_grow(running, 0)
        assert fleet.standin.patient_texts(numbers[turn], "there is pus") == 503
        time.sleep(FULL)
        _let_files_grow(running, resource.RLIM_INFINITY)
        fleet.mended()
        wait_for("the page", lambda wanted=turn + 1: len(fleet.pages()) >= wanted, seconds=PATIENCE)  # type: ignore[misc]
    fleet.expect(numbers[TURNS:], FIRST_TEXT, CHECKIN)
    fleet.finish("the end of every text")
    assert all(process.poll() is None for process in running), fleet.log


def _let_files_grow(running: list[subprocess.Popen[str]], most: int) -> None:
    for process in running:
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, hard))
