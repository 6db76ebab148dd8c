"""Nothing runs for a week. On return only what is still of use is sent, and what patients wrote meanwhile is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from monitor.clock import ShiftedClock
from monitor.db import transaction
from monitor.models import Patient, Task
from tests.faults.conftest import note
from tests.faults.fleet import NURSE, PATIENCE, Fleet
from tests.running import wait_for
from tests.story import CHECKIN, FIRST_TEXT
from tests.twilio_standin import Standin

pytestmark = pytest.mark.fault
WEEK = timedelta(days=7)
OF_EACH = 4  # patients
DAY = re.compile(r"\bday \d+: worst pain")  # how a check-in begins


@pytest.fixture
def a_week_ago(tmp_path: Path, database: str | None, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """A fleet and a provider whose time is a week ago, until it is set."""
    clock = ShiftedClock(-WEEK)
    with Standin(clock=clock) as standin:
        fleet = Fleet(tmp_path / "home", database, standin, clock)
        yield fleet
        note(request.node, fleet)
        fleet.close()


def test_after_a_week_only_what_is_of_use_is_sent_and_everything_is_read(a_week_ago: Fleet) -> None:
    fleet = a_week_ago
    fresh = fleet.enrol(OF_EACH, day=1)  # day 4 passes, day 7 does so lately that it can be asked
    asked = fleet.enrol(OF_EACH, first=10, day=7)  # answers in the outage; day 14 is today
    passed = fleet.enrol(OF_EACH, first=20, day=6)  # day 7 passes and day 14 is to come
    processes = [fleet.web(), fleet.worker()]
    fleet.expect([*fresh, *asked, *passed], FIRST_TEXT)
    fleet.expect(asked, CHECKIN)
    wait_for("an idle system", fleet.is_done, seconds=PATIENCE)
    for process in processes:
        fleet.kill(process)
    sent_before = len(fleet.standin.messages)

    fleet.set_clock(-WEEK / 2)
    said = {asked[0]: "there is pus", asked[1]: "2", asked[2]: "STOP", fresh[0]: "I have a fever of 39.5"}
    for number, words in said.items():
        assert fleet.standin.patient_texts(number, words, lost=True) == 0

    fleet.set_clock(timedelta())
    fleet.mended()
    fleet.web()
    fleet.worker()
    for sign in ("pus", "fever"):
        wait_for(f"the page for {sign}", lambda sign=sign: fleet.pages(sign), seconds=PATIENCE)  # type: ignore[misc]
    fleet.expect([number for number in asked if said.get(number) != "STOP"], "day 14")
    fleet.expect(fresh, "day 7")
    fleet.finish("the end of every text")

    since = [m for m in fleet.standin.messages[sent_before:] if m.direction == "outbound-api" and m.to != NURSE]
    out_of_date = [m.body for m in since if "day 4" in m.body or (m.to in passed and "day 7" in m.body)]
    assert out_of_date == []
    assert max(Counter(m.to for m in since if DAY.search(m.body)).values()) == 1
    with transaction(fleet.sessions) as session:
        missed = session.query(Task).filter(Task.kind == "checkin_missed").count()
        stopped = session.scalars(select(Patient.phone).where(Patient.opted_out_at.is_not(None))).all()
    assert missed == 2 * OF_EACH
    assert stopped == [asked[2]]
    assert fleet.errors() == []
