"""PostgreSQL ends under load, cleanly or as the power going out, and comes back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import note
from tests.faults.fleet import NURSE, PATIENCE, Fleet
from tests.postgres import Databases, NoServer, Server, own_server
from tests.running import wait_for
from tests.story import CHECKIN, FIRST_TEXT
from tests.twilio_standin import Standin

pytestmark = pytest.mark.fault
AWAY = 2.0  # seconds


@pytest.fixture
def server(databases: Databases) -> Iterator[Server]:
    """A server that no other test uses, and that keeps what was committed."""
    try:
        with own_server(durable=True) as server:
            yield server
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture
def fleet_on(server: Server, tmp_path: Path, standin: Standin, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path / "home", server.url.render_as_string(hide_password=False), standin)
    yield fleet
    note(request.node, fleet)
    fleet.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_postgresql_goes_and_comes_back_under_load(fleet_on: Fleet, server: Server, how: signal.Signals) -> None:
    fleet = fleet_on
    numbers = fleet.enrol(60)
    fleet.web()
    for _ in range(3):
        fleet.worker()
    wait_for("the first texts", fleet.texted(numbers[0], FIRST_TEXT), seconds=PATIENCE)
    for turn in range(3):
        server.stop(how)
        assert fleet.standin.patient_texts(numbers[turn], "there is pus") == 503
        time.sleep(AWAY)
        server.start()
        time.sleep(AWAY)
    fleet.mended()
    wait_for("every text", lambda: all(fleet.texted(n, FIRST_TEXT, CHECKIN)() for n in numbers[3:]), seconds=PATIENCE)
    wait_for("the pages", lambda: sum("pus" in m.body for m in fleet.standin.sent_to(NURSE)) >= 3, seconds=PATIENCE)
    fleet.finish("the end of every text")
    assert all(process.poll() is None for process in fleet.processes), fleet.log
