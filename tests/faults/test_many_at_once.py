"""Many patients write at the same moment, to one web process and three workers: each is heard."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from monitor.db import transaction
from monitor.models import Alert, Event
from tests.faults.fleet import NURSE, PATIENCE, Fleet
from tests.running import wait_for
from tests.story import CHECKIN

pytestmark = [pytest.mark.fault, pytest.mark.engine("postgresql")]
PATIENTS = 30


def test_each_of_many_reports_is_one_alert_and_paged(fleet: Fleet) -> None:
    numbers = fleet.enrol(PATIENTS)
    fleet.web()
    for _ in range(3):
        fleet.worker()
    wait_for("every check-in", lambda: all(fleet.texted(n, CHECKIN)() for n in numbers), seconds=PATIENCE)
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda n: fleet.standin.patient_texts(n, "there is pus"), numbers)) == {200}
    fleet.mended()
    wait_for("every page", lambda: len(_codes(fleet)) == PATIENTS, seconds=PATIENCE)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda code: fleet.standin.patient_texts(NURSE, code), _codes(fleet))) == {200}
    fleet.finish("the end of every text")
    with transaction(fleet.sessions) as session:
        alerts = session.query(Alert).filter(Alert.episode_id.is_not(None)).all()
        taken = session.query(Event).filter(Event.kind == "alert_taken").count()
    assert len(alerts) == PATIENTS
    assert {alert.state for alert in alerts} == {"taken"}
    assert taken == PATIENTS
    assert fleet.errors() == []


def _codes(fleet: Fleet) -> list[str]:
    """The codes of the pages for pus."""
    return [m.body.rsplit("Reply ", 1)[1][:4] for m in fleet.standin.sent_to(NURSE) if "pus" in m.body]
