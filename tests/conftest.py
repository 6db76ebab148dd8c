"""What every test may ask for: a fresh database, the program on the built-in phones, a clock that stands still."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from monitor.bootstrap import App, build, prepare
from monitor.clock import StoppedClock
from monitor.config import Settings, SmsKind
from monitor.db import open_sessions, transaction
from monitor.services.init import initialise
from tests.carrier import TroubledPhones
from tests.postgres import Databases, NoServer, open_databases
from tests.story import Story

CLINIC = {
    "name": "Smile Dental",
    "timezone": "America/New_York",
    "phone": "+12025550150",
    "emergency_number": "911",
    "last_resort": "+12025550199",
    "holidays": "US",
}
BEGINNING = datetime(2026, 11, 1, 13, tzinfo=UTC)
ENGINES = ("sqlite", "postgresql")
HERE = Path(__file__).parent
ON_SQLITE_ALONE = ("web", "cli", "sms")  # what they try lies above the database


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=[*ENGINES, "both"], default="both", help="run only the tests on this one")
    parser.addoption("--fault-texts", type=int, default=200, help="texts in the run whose workers are killed all along")
    parser.addoption("--fault-runs", type=int, default=1, help="how often each fault is tried")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test with a database runs on both engines, unless it is marked as one's."""
    if "database" not in metafunc.fixturenames:
        return
    mine = metafunc.definition.get_closest_marker("engine")
    folder = Path(metafunc.module.__file__).relative_to(HERE).parts[0]
    chosen = metafunc.config.getoption("database")
    engines = mine.args if mine else ENGINES[:1] if folder in ON_SQLITE_ALONE else ENGINES
    metafunc.parametrize("database", [e for e in engines if chosen in {e, "both"}], indirect=True)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that is set up for one clinic; each test works on a copy, since migrating takes a second."""
    home = tmp_path_factory.mktemp("template")
    engine = prepare(Settings.model_construct(home=home, database=None, sms=SmsKind.PHONES))
    with transaction(open_sessions(engine)) as session:
        initialise(session, CLINIC, now=BEGINNING)
    engine.dispose()
    return home


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A PostgreSQL server; without one the tests that need it are skipped, but not at the gate."""
    needed = "MONITOR_TEST_NEEDS_POSTGRES" in os.environ  # noqa: TID251 -- a setting of the tests alone
    with ExitStack() as opened:
        try:
            found = opened.enter_context(open_databases())
        except NoServer as reason:
            if needed:
                raise
            pytest.skip(f"no PostgreSQL (set MONITOR_TEST_POSTGRES_URL): {reason}")
        yield found


@pytest.fixture(scope="session")
def template_database(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same as a database of the PostgreSQL server: its name."""
    with databases.new() as url:
        home = tmp_path_factory.mktemp("template-postgres")
        engine = prepare(Settings.model_construct(home=home, database=url, sms=SmsKind.PHONES))
        with transaction(open_sessions(engine)) as session:
            initialise(session, CLINIC, now=BEGINNING)
        engine.dispose()
        yield str(engine.url.database)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a database that is set up for one clinic; None is SQLite in the home folder."""
    if request.param == "sqlite":
        yield None
        return
    template: str = request.getfixturevalue("template_database")
    databases: Databases = request.getfixturevalue("databases")
    with databases.new(template) as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home of its own, whatever the environment says."""
    return Settings.model_construct(
        home=tmp_path, database=None, sms=SmsKind.PHONES, public_url="https://m.example.org"
    )


@pytest.fixture
def clock() -> StoppedClock:
    """Sunday 1 November 2026, 08:00 in New York; clocks went back that night."""
    return StoppedClock(BEGINNING)


@pytest.fixture
def app(settings: Settings, clock: StoppedClock, template: Path, database: str | None) -> Iterator[App]:
    """The whole program, set up for one clinic, on the built-in phones."""
    shutil.copytree(template, settings.folder, dirs_exist_ok=True)
    app = build(settings.model_copy(update={"database": database}), clock=clock)
    if database is None:

        @event.listens_for(app.engine, "connect")
        def _do_not_wait_for_the_disk(connection: object, _record: object) -> None:
            connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]

        app.engine.dispose()  # the connection that was made before
    yield app
    app.engine.dispose()


@pytest.fixture
def story(app: App, clock: StoppedClock, caplog: pytest.LogCaptureFixture) -> Iterator[Story]:
    """People who text, page and wait, told in sentences. Nothing unexpected may be left when it ends."""
    story = Story(replace(app, gateway=TroubledPhones(app.sessions, clock)), clock)
    story.run()  # the morning's work is done before the story begins
    yield story
    assert [(text.phone, text.body) for text in story.unread()] == [], "texts that the story did not expect"
    assert _errors(caplog, story) == [], "errors that the story did not expect"
    assert story.holes() == [], "holes in the ledger"


def _errors(caplog: pytest.LogCaptureFixture, story: Story) -> list[str]:
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    logged = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
    return [line for line in logged if not any(part in line for part in story.errors_expected)]
