"""What every test may ask for: a fresh database, the program on the built-in phones, a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.bootstrap import App, build, prepare
from monitor.clock import StoppedClock
from monitor.config import Settings, SmsKind
from monitor.db import transaction
from monitor.services.init import initialise
from tests.story import Story

CLINIC = {
    "name": "Smile Dental",
    "timezone": "America/New_York",
    "phone": "+12025550150",
    "emergency_number": "911",
    "last_resort": "+12025550199",
    "holidays": "US",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home of its own, whatever the environment says."""
    return Settings.model_construct(home=tmp_path, database=None, sms=SmsKind.PHONES, public_url="https://m.example.org")


@pytest.fixture
def clock() -> StoppedClock:
    """Sunday 1 November 2026, 08:00 in New York; clocks went back that night."""
    return StoppedClock(datetime(2026, 11, 1, 13, tzinfo=UTC))


@pytest.fixture
def app(settings: Settings, clock: StoppedClock) -> Iterator[App]:
    """The whole program, set up for one clinic, on the built-in phones."""
    prepare(settings).dispose()
    app = build(settings, clock=clock)
    with transaction(app.sessions) as session:
        initialise(session, CLINIC, now=clock.now())
    yield app
    app.engine.dispose()


@pytest.fixture
def story(app: App, clock: StoppedClock) -> Story:
    """People who text, page and wait, told in sentences."""
    return Story(app, clock)
