"""A clinic outgrows SQLite: its backup is put into PostgreSQL, and everything goes on there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from monitor.bootstrap import App
from monitor.clock import SystemClock
from monitor.db import connect, open_sessions, transaction
from monitor.errors import BadInput, NotReady
from monitor.models import Base, Cursor
from monitor.services.backup import back_up
from monitor.services.catch_up import RESTORED
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.ledger import check_ledger
from monitor.services.restore import is_empty, opened, put_back
from tests.postgres import Databases
from tests.running import Installation
from tests.story import Story

pytestmark = pytest.mark.engine("sqlite")


@pytest.fixture
def other(databases: Databases, template_database: str) -> Iterator[Engine]:
    """A PostgreSQL database that is set up and not used."""
    with databases.new(template_database) as url:
        engine = connect(url)
        yield engine
        engine.dispose()


@pytest.fixture
def backup(story: Story, tmp_path: Path) -> Path:
    """Of a clinic where something of everything has happened."""
    nurse, ann = story.staff(), story.asked()
    ann.texts("there is pus and it hurts 8/10, ¿qué hago? 😀")
    ann.new_texts()
    nurse.new_texts()
    return back_up(story.app.engine, story.app.sessions, tmp_path / "backups", clock=story.clock)


def everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        tables = [table for table in Base.metadata.sorted_tables if table.name != "cursors"]
        rows = {t.name: connection.execute(select(t).order_by(*t.primary_key.columns)).all() for t in tables}
        return {name: [tuple(row) for row in found] for name, found in rows.items()}


def test_everything_is_there_and_goes_on(story: Story, backup: Path, other: Engine) -> None:
    told: list[tuple[int, int]] = []
    with opened(other, backup) as ready:
        put_back(other, ready, tell=lambda done, total: told.append((done, total)))
    moved, kept = everything(other), everything(story.app.engine)
    assert moved == kept
    assert min(len(moved[name]) for name in ("messages", "events", "inbound", "assessments", "alerts", "pages")) > 0
    assert told[-1][0] == told[-1][1] == sum(map(len, moved.values())) + 2  # the cursors

    sessions, now = open_sessions(other), story.clock.now()
    with transaction(sessions) as session:
        assert session.get_one(Cursor, RESTORED).at <= now, "nothing is sent until the provider was asked"
        given = Enrolment(name="Bob Stone", phone="+12025550102", surgery_on=now.date(), consent="form")
        assert enrol(session, the_clinic(session), given, now=now).id == max(row[0] for row in kept["episodes"]) + 1
    with transaction(sessions) as session:
        assert check_ledger(session, now).holes == []


def test_what_was_there_is_replaced(app: App, other: Engine, tmp_path: Path) -> None:
    sessions, now = open_sessions(other), app.clock.now()
    with transaction(sessions) as session:
        given = Enrolment(name="Bob Stone", phone="+12025550102", surgery_on=now.date(), consent="form")
        enrol(session, the_clinic(session), given, now=now)
    with opened(other, back_up(app.engine, app.sessions, tmp_path, clock=app.clock)) as ready:
        put_back(other, ready)
    assert is_empty(sessions)
    for change in ("TRUNCATE events", "DELETE FROM events"):  # the log's guards stand again
        with pytest.raises(DBAPIError, match="events are only added"), transaction(sessions) as session:
            session.execute(text(change))


def test_what_does_not_fit_leaves_what_was_there(story: Story, backup: Path, other: Engine) -> None:
    """SQLite keeps a number of any length, PostgreSQL does not; and says nothing of it but what is wrong."""
    with closing(sqlite3.connect(backup)) as file:
        file.execute("UPDATE patients SET phone = ?", ("+1" + "2" * 40,))
        file.commit()
    before = everything(other)
    with opened(other, backup) as ready, pytest.raises(NotReady, match=r"cannot be moved: value too long") as refused:
        put_back(other, ready)
    assert "Ann" not in str(refused.value)
    assert everything(other) == before


def test_the_commands_that_a_clinic_uses(tmp_path: Path, databases: Databases) -> None:
    """`monitor backup` on the old machine, `monitor restore` with the new database's URL."""
    before = Installation(tmp_path / "home", {})
    before.command("init", "--clinic", "Smile Dental", "--timezone", "America/New_York")
    surgery = (SystemClock().now() - timedelta(days=2)).date().isoformat()
    before.command("enrol", "--name", "Ann", "--phone", "+12025550101", "--surgery", surgery, "--consent", "form")
    file, episodes = before.command("backup").rsplit(" (", 1)[0], before.json("episode", "list")
    with databases.new() as url:
        after = Installation(tmp_path / "elsewhere", {"MONITOR_DATABASE_URL": url})
        assert "will not be sent again" in after.command("restore", file)
        assert after.json("episode", "list") == episodes
        assert after.json("ledger")["holes"] == []


def test_there_is_no_way_back(app: App, other: Engine, tmp_path: Path) -> None:
    there = replace(app, engine=other, sessions=open_sessions(other))
    dump = back_up(other, there.sessions, tmp_path, clock=app.clock)
    with pytest.raises(BadInput, match="a backup of PostgreSQL"), opened(app.engine, dump):
        pass
