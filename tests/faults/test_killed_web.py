"""`kill -9` of the web process in the middle of a webhook: before the text is committed, or before it is answered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Alert, Assessment, Inbound
from tests.faults.fleet import PATIENCE, Fleet
from tests.faults.process import WEB_STEPS
from tests.running import wait_for
from tests.story import CHECKIN

pytestmark = pytest.mark.fault
ROUNDS, AT_ONCE = 2, 4


@pytest.mark.parametrize("step", WEB_STEPS)
def test_the_web_process_is_killed_in_a_webhook(fleet: Fleet, step: str) -> None:
    """One is heard, then several write at once, and one of their webhooks is its last. Those that were not answered
    are fetched, and repeated besides: each is heard once."""
    numbers = fleet.enrol(ROUNDS * AT_ONCE)
    before = [fleet.web(), fleet.worker()]
    fleet.expect(numbers, CHECKIN)
    wait_for("an idle system", fleet.is_done, seconds=PATIENCE)
    for process in before:  # the worker too, which might fetch a text before its webhook has come to the step
        fleet.kill(process)
    for turn in range(ROUNDS):
        dying = fleet.web(step, count=2)
        first, *others = numbers[turn * AT_ONCE :][:AT_ONCE]
        assert fleet.standin.patient_texts(first, "there is pus") == 200
        with ThreadPoolExecutor(AT_ONCE) as pool:  # those that come together are committed together
            heard = list(pool.map(lambda n: fleet.standin.patient_texts(n, "there is pus"), others))
        assert dying.wait(PATIENCE) == -9, fleet.log
        fleet.processes.remove(dying)
        assert 0 in heard  # nobody answered
    fleet.mended()
    fleet.web()
    fleet.worker()
    sent = [m for m in fleet.standin.messages if m.direction == "inbound"]
    assert {fleet.standin.repeat(text) for text in sent} == {200}
    wait_for("the pages", lambda: len(fleet.pages()) >= len(numbers), seconds=PATIENCE)
    fleet.expect(numbers, "The team has been told")
    fleet.finish("the end of every text")
    with transaction(fleet.sessions) as session:
        kept = sorted(session.scalars(select(Inbound.sid)))
        read = session.scalars(select(Assessment.inbound_id)).all()
        alerts = session.query(Alert).count()
    assert kept == sorted(text.sid for text in sent)
    assert len(read) == len(set(read)) == alerts == len(fleet.pages()) == len(numbers)
    assert fleet.errors() == []
