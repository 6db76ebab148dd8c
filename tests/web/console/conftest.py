"""An office with its people, for every test of the console that asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from monitor.bootstrap import App, build
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.models import Alert, Clinic
from monitor.services import credentials
from monitor.services.clinic import add_clinic, the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.receive import save_inbound
from monitor.sms.phones import PhonesGateway
from tests.conftest import BEGINNING
from tests.web.console.browser import LiveOffice, open_office
from tests.web.console.pages import Samples
from tests.web.staffer import Office, Staffer

ANN, BEN = "+12025550101", "+12025550102"
RAY, DESK, BOSS = "+12025550171", "+12025550172", "+12025550173"


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever joins in a test need not wait as long as somebody who guesses."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(credentials, "_hasher", quick)
    monkeypatch.setattr(credentials, "_NOBODYS", quick.hash("nobody's"))


@pytest.fixture
def office(app: App, clock: StoppedClock) -> Iterator[Office]:
    """Smile Dental at 12:00 in New York, reached by http on this machine."""
    clock.forward(hours=4)
    settings = app.settings.model_copy(update={"public_url": "http://127.0.0.1:8000"})
    mine = build(settings, clock=clock)
    yield Office(mine, clock, StoppedClock(clock.now()))
    mine.engine.dispose()


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


@pytest.fixture
def elsewhere(office: Office) -> int:
    """Another clinic of the same installation: its number."""
    with transaction(office.app.sessions) as session:
        given = {"name": "Other Dental", "timezone": "America/Chicago"}
        return add_clinic(session, given, now=office.clock.now()).id


def samples_of(office: Office, staffer: Staffer, phone: str, *, clinic: int | None = None) -> Samples:
    """One thing of each kind that a page can be about, of this member of staff's clinic."""
    surgery = (office.clock.now() - timedelta(days=7)).date()
    with transaction(office.app.sessions) as session:
        where = session.get_one(Clinic, clinic) if clinic else the_clinic(session)
        given = Enrolment(f"Pat {phone[-4:]}", phone, surgery, "signed form")
        episode = enrol(session, where, given, now=office.clock.now()).id
    office.ticks.everything()
    texts(office, phone, "there is yellow pus")
    with transaction(office.app.sessions) as session:
        alert = session.scalars(select(Alert.id).where(Alert.episode_id == episode)).one()
    return {"alerts": alert, "episodes": episode, "staff": staffer.id}


@pytest.fixture(scope="module")
def live_office(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[LiveOffice]:
    """An office for all tests of a file, where a browser can visit it; it is 12:00 in New York."""
    clock = StoppedClock(BEGINNING + timedelta(hours=4))
    with open_office(tmp_path_factory.mktemp("office"), template, clock) as live:
        yield live
