"""The installed program on PostgreSQL: commands, two that set it up at once, what it says when it cannot connect."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from monitor.clock import SystemClock
from monitor.db import connect, open_sessions, transaction
from monitor.errors import BadInput, NotReady
from monitor.models import Base, Clinic, Event
from tests.postgres import Databases
from tests.running import Installation


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    """An empty database."""
    with databases.new() as url:
        yield url


@pytest.fixture
def installation(tmp_path: Path, url: str) -> Iterator[Installation]:
    installation = Installation(tmp_path / "home", {"MONITOR_DATABASE_URL": url})
    yield installation
    installation.close()


def test_the_commands_work_as_on_sqlite(installation: Installation) -> None:
    run = installation.command
    run("init", "--clinic", "Smile Dental", "--timezone", "America/New_York", "--emergency-number", "911")
    run("init")
    run("staff", "add", "--name", "Nurse Lind", "--phone", "+12025550171")
    surgery = (SystemClock().now() - timedelta(days=2)).date().isoformat()
    run("enrol", "--name", "Ann", "--phone", "+12025550101", "--surgery", surgery, "--consent", "form")
    installation.start()
    doctor = {check["what"]: check for check in installation.json("doctor")}
    assert doctor["database"]["level"] == "ok"
    assert doctor["database"]["found"].startswith("postgresql ")
    assert installation.json("ledger")["holes"] == []
    code = installation.end()
    assert code == 0
    assert "ERROR" not in installation.log


def test_hosts_that_set_it_up_at_once_take_turns(installation: Installation, url: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: installation.command("init", "--clinic", "Smile Dental"), range(3)))
    engine = connect(url)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    with transaction(open_sessions(engine)) as session:
        assert [clinic.name for clinic in session.query(Clinic)] == ["Smile Dental"]
    engine.dispose()


def test_what_is_kept_comes_back_as_it_was(url: str) -> None:
    """Instants from any zone are aware UTC, whatever the server's zone; JSON and times of day are unchanged."""
    engine = connect(url)
    Base.metadata.create_all(engine)
    at = datetime(2026, 3, 8, 1, 59, 59, 123456, tzinfo=timezone(timedelta(hours=-5)))
    hours = {"mon": ["08:00", "18:00"], "ü": []}
    with transaction(open_sessions(engine)) as session:
        session.execute(text("SET LOCAL timezone = 'Asia/Kolkata'"))
        clinic = Clinic(name="N", timezone="UTC", hours=hours, checkin_at=time(10, 30), created_at=at)
        session.add_all([clinic, Event(at=at, kind="k", detail={"nul": "\x00"})])
    with transaction(open_sessions(engine)) as session:
        session.execute(text("SET LOCAL timezone = 'Asia/Kolkata'"))
        clinic, event = session.get_one(Clinic, 1), session.get_one(Event, 1)
        assert (clinic.created_at, clinic.created_at.tzinfo) == (at, UTC)
        assert (clinic.hours, clinic.checkin_at, clinic.digested_on) == (hours, time(10, 30), None)
        assert event.detail == {"nul": "\x00"}
        clinic.digested_on = date(2026, 2, 28)
    engine.dispose()


def test_a_url_without_a_driver_means_ours(url: str) -> None:
    engine = connect(url.replace("postgresql+psycopg:", "postgresql:"))
    assert engine.driver == "psycopg"
    engine.dispose()


def test_another_driver_is_refused() -> None:
    with pytest.raises(BadInput, match=r"allowed: sqlite:///path or postgresql\+psycopg"):
        connect("postgresql+pg8000://u@h/x")


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(NotReady, match=r"pip install 'implant-monitor\[postgres\]'"):
        connect("postgresql+psycopg://u@h/x")


def test_an_empty_database_is_told_to_be_set_up(url: str, tmp_path: Path) -> None:
    for empty in (url, f"sqlite:///{tmp_path / 'empty.db'}"):
        engine = connect(empty)
        with pytest.raises(NotReady, match="run `monitor init`"), transaction(open_sessions(engine)) as session:
            session.execute(text("SELECT 1 FROM clinic"))
        engine.dispose()


@pytest.mark.parametrize("where", ["127.0.0.1:9", "nobody.invalid", "ter2@127.0.0.1:9"])
def test_a_server_that_does_not_answer_is_told_without_the_password(where: str) -> None:
    engine = connect(f"postgresql+psycopg://monitor:hun@{where}/x")
    with pytest.raises(NotReady) as told, transaction(open_sessions(engine)) as session:
        session.execute(text("SELECT 1"))
    assert str(told.value).startswith("the database cannot work now: ")
    assert "hun" not in str(told.value)
    assert "ter2" not in str(told.value)
    engine.dispose()
