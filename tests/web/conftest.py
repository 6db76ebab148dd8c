"""A visitor of the built-in phones, and Twilio's webhooks, for every test that asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.services.clinic import the_clinic
from monitor.services.staff import add_staff
from tests.web.browser import open_browser
from tests.web.caller import impatient, twilio_app, twilio_settings, web
from tests.web.visitor import ANN, BEN, DOCTOR, NURSE, Visitor, enrol_someone

__all__ = ["impatient", "twilio_app", "twilio_settings", "web"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real one, for all tests of a file."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def visitor(app: App, clock: StoppedClock) -> Visitor:
    """A clinic with two patients, on days 4 and 0, and two people to page; it is 12:00 in New York."""
    clock.forward(hours=4)
    with transaction(app.sessions) as session:
        clinic = the_clinic(session)
        add_staff(session, clinic, "Nurse Lind", NURSE, now=clock.now(), tier=1)
        add_staff(session, clinic, "Dr Okafor", DOCTOR, now=clock.now(), tier=2)
    enrol_someone(app, clock, "Ann Carter", ANN, day=4)
    enrol_someone(app, clock, "Ben Petrov", BEN, day=0)
    visitor = Visitor(app, clock)
    visitor.ticks.everything()
    return visitor
