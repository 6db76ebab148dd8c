"""An office with its people, for every test of the console that asks for them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.bootstrap import App, build
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.receive import save_inbound
from monitor.sms.phones import PhonesGateway
from tests.web.staffer import Office, Staffer

ANN, BEN = "+12025550101", "+12025550102"
RAY, DESK, BOSS = "+12025550171", "+12025550172", "+12025550173"


@pytest.fixture
def office(app: App, clock: StoppedClock) -> Office:
    """Smile Dental at 12:00 in New York, reached by http on this machine."""
    clock.forward(hours=4)
    settings = app.settings.model_copy(update={"public_url": "http://127.0.0.1:8000"})
    return Office(build(settings, clock=clock), clock, StoppedClock(clock.now()))


@pytest.fixture
def ray(office: Office) -> Staffer:
    """A clinician, signed in."""
    return office.hires("Dr Ray", RAY)


@pytest.fixture
def desk(office: Office) -> Staffer:
    """Somebody at the front desk, signed in."""
    return office.hires("Dee Desk", DESK, role="front-desk", tier=2)


@pytest.fixture
def boss(office: Office) -> Staffer:
    """The manager, signed in."""
    return office.hires("Bo Boss", BOSS, role="manager", tier=3)


def enrolled(office: Office, name: str = "Ann Carter", phone: str = ANN, *, day: int = 7, **more: object) -> int:
    """A patient so many days after surgery, whose first texts have left: the episode's number."""
    surgery = (office.clock.now() - timedelta(days=day)).date()
    with transaction(office.app.sessions) as session:
        given = Enrolment(name, phone, surgery, "signed form", **more)  # type: ignore[arg-type]
        episode = enrol(session, the_clinic(session), given, now=office.clock.now()).id
    office.ticks.everything()
    return episode


def texts(office: Office, phone: str, body: str) -> None:
    """A patient texts, and the worker has its turn."""
    assert isinstance(office.app.gateway, PhonesGateway)
    received = office.app.gateway.type_text(phone, body)
    with transaction(office.app.sessions) as session:
        save_inbound(session, received, raw=None, now=received.received_at)
    office.ticks.everything()
    office.clock.forward(seconds=6)
    office.ticks.everything()
