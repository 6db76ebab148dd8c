"""A backup made under load and put back an hour of texts later, with real processes, real requests and signals."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import delete

from monitor.db import transaction
from monitor.models import Heartbeat
from tests.faults.fleet import NURSE, PATIENCE, Fleet
from tests.running import PROGRAM, wait_for
from tests.story import CHECKIN, FIRST_TEXT

pytestmark = pytest.mark.fault
PATIENTS = 30


def command(fleet: Fleet, *arguments: str) -> int:
    process = fleet._spawn("-c", PROGRAM, *arguments)
    code = process.wait(PATIENCE)
    fleet.processes.remove(process)
    return code


def test_a_backup_made_under_load_doubles_and_loses_nothing(fleet: Fleet, tmp_path: Path) -> None:
    numbers = fleet.enrol(PATIENTS)
    running = [fleet.web(), fleet.worker()]
    wait_for("the first texts", fleet.texted(numbers[0], FIRST_TEXT), seconds=PATIENCE)
    assert command(fleet, "backup", "--to", str(tmp_path / "kept")) == 0, fleet.log
    (backup,) = (tmp_path / "kept").iterdir()
    assert command(fleet, "restore", str(backup), "--replace") == 2
    assert "a worker lives" in fleet.log
    wait_for("every text", lambda: all(fleet.texted(n, FIRST_TEXT, CHECKIN)() for n in numbers), seconds=PATIENCE)
    time.sleep(2)  # nobody answers within the second, and the provider's lists are in whole seconds
    for number, body in zip(numbers, ("3", "there is pus", "all good", "0"), strict=False):
        assert fleet.standin.patient_texts(number, body) == 200
    fleet.standin.patient_texts(numbers[5], "pus since this morning", lost=True)
    wait_for("the page", fleet.texted(NURSE, "pus"), seconds=PATIENCE)
    fleet.finish("the end of every text")
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        fleet.processes.remove(process)
    with transaction(fleet.sessions) as session:
        session.execute(delete(Heartbeat))  # so long ago that nobody lives
    sent = {number: len(fleet.standin.sent_to(number)) for number in numbers if number != numbers[5]}
    assert command(fleet, "restore", str(backup), "--replace") == 0, fleet.log
    fleet.mended()
    fleet.web()
    fleet.worker()
    wait_for("the answer to the lost text", fleet.texted(numbers[5], "The team has been told"), seconds=PATIENCE)
    fleet.finish("the end of every text")
    assert {number: len(fleet.standin.sent_to(number)) for number in sent} == sent
    assert fleet.errors() == []
