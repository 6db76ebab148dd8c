"""Web and worker apart, on PostgreSQL: how soon a page is with the provider, and what an idle worker costs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.fleet import NURSE, PATIENCE, Fleet
from tests.running import wait_for
from tests.story import CHECKIN

pytestmark = [pytest.mark.fault, pytest.mark.engine("postgresql")]
PATIENTS = 20
USUAL = 0.1  # seconds of a core for that piece of work


def test_a_page_leaves_the_worker_at_once(fleet: Fleet, record_property: Callable[[str, object], None]) -> None:
    numbers = fleet.enrol(PATIENTS)
    fleet.web()
    fleet.worker()
    wait_for("every check-in", lambda: all(fleet.texted(n, CHECKIN)() for n in numbers), seconds=PATIENCE)
    wait_for("an idle system", fleet.is_done, seconds=PATIENCE)
    took = []
    for number, patient in enumerate(numbers):
        assert fleet.standin.patient_texts(patient, "there is pus") == 200
        start = time.monotonic()
        wait_for("the page", lambda wanted=number + 1: _pages(fleet) >= wanted, seconds=10)
        took.append(time.monotonic() - start)
    fleet.mended()
    record_property("seconds from webhook to page handed over: median, worst", (sorted(took)[PATIENTS // 2], max(took)))
    assert sorted(took)[PATIENTS // 2] < 0.5
    assert max(took) < 1.5
    fleet.finish("the end of every text")


def test_an_idle_worker_costs_little(fleet: Fleet, record_property: Callable[[str, object], None]) -> None:
    worker = fleet.worker()
    time.sleep(8)
    before, seconds = _processor(worker.pid), 20.0
    time.sleep(seconds)
    share = (_processor(worker.pid) - before) / seconds
    status = Path(f"/proc/{worker.pid}/status").read_text()
    memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
    record_property("idle worker: share of a core, MB", (share, memory))
    assert share < 0.05 * _slowness()  # its ticks are hurried here: reconcile every second
    assert memory < 160


def _slowness() -> float:
    """How many times as long as usual this machine takes for a piece of work just now, at least once."""
    start = time.process_time()
    sum(number * number for number in range(2_000_000))
    return max(1.0, (time.process_time() - start) / USUAL)


def _pages(fleet: Fleet) -> int:
    return sum("pus" in message.body for message in fleet.standin.sent_to(NURSE))


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
