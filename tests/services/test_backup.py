"""`monitor backup`: one file, of one moment, while others write."""

from __future__ import annotations

import sqlite3
import stat
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from monitor.bootstrap import App
from monitor.clock import SystemClock
from monitor.db import connect, transaction
from monitor.errors import BadInput, NotReady
from monitor.locking import note_moment
from monitor.models import Cursor, Event
from monitor.services import backup as backup_service
from monitor.services import postgres_tools
from monitor.services.audit import record
from monitor.services.backup import ENDED, back_up, last_backup
from monitor.services.doctor import examine
from tests.running import wait_for

PAIRS = 400


def make(app: App, folder: Path | None = None) -> Path:
    return back_up(app.engine, app.sessions, folder or app.settings.backups, clock=app.clock)


def test_it_is_one_file_of_its_owners_alone_with_the_time_in_its_name(app: App, tmp_path: Path) -> None:
    first, second = make(app, tmp_path / "new"), make(app, tmp_path / "new")
    assert first.name.startswith(f"monitor-{SystemClock().now():%Y%m%dT}")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted([first.name, second.name])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (first, second)} == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_it_tells_how_far_it_is(app: App, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    back_up(app.engine, app.sessions, tmp_path, clock=app.clock, tell=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] > 0


@pytest.mark.engine("sqlite")
def test_it_is_of_one_moment_while_somebody_writes(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two events in each transaction: the copy holds both of a pair or none, and those before it began."""
    monkeypatch.setattr(backup_service, "PAGES", 1)
    ended, written = threading.Event(), [0]

    def write() -> None:
        while not ended.is_set():
            with transaction(app.sessions) as session:
                for half in ("left", "right"):
                    record(session, "pair", at=app.clock.now(), half=half)
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_for("some pairs", lambda: written[0] >= PAIRS)
        before, path, after = written[0], make(app, tmp_path), written[0]
    finally:
        ended.set()
        writer.join()
    with closing(sqlite3.connect(path)) as copy:
        halves = dict(copy.execute("SELECT json_extract(detail, '$.half'), count(*) FROM events GROUP BY 1"))
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert halves["left"] == halves["right"]
    assert before <= halves["left"] <= after


def test_the_doctor_names_its_age(app: App) -> None:
    def found() -> tuple[str, str]:
        checks = examine(
            app.sessions, app.gateway, app.clock, public_url="https://m.example.org", trusted_proxies="::1"
        )
        return next((check.level, check.found) for check in checks if check.what == "backup")

    assert found() == ("gap", "never made (`monitor backup`, once a day)")
    make(app)
    assert found() == ("ok", "the last one is 0.0 hours old")
    with transaction(app.sessions) as session:
        note_moment(session, Cursor, ENDED, SystemClock().now() - timedelta(days=3))
    assert found() == ("gap", "the last one is 72.0 hours old (`monitor backup`)")


def test_a_folder_that_is_none_is_refused(app: App, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="a folder that can be written"):
        make(app, tmp_path / "file")
    assert last_backup(app.sessions) is None


@pytest.mark.engine("sqlite")
def test_one_that_breaks_off_leaves_nothing(app: App, tmp_path: Path) -> None:
    def full(_done: int, _total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(NotReady, match="No space left"):
        back_up(app.engine, app.sessions, tmp_path / "to", clock=app.clock, tell=full)
    assert list((tmp_path / "to").iterdir()) == []
    assert last_backup(app.sessions) is None
    with transaction(app.sessions) as session:
        assert session.scalar(select(func.count()).select_from(Event)) is not None, "the database is free again"


@pytest.mark.engine("postgresql")
def test_without_the_servers_programs_it_says_what_to_install(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_tools, "_major_of", lambda _program: 9)
    with pytest.raises(NotReady, match=r"pg_dump of PostgreSQL \d+ .* apt install postgresql-client-\d+"):
        make(app, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.engine("postgresql")
def test_a_password_stands_on_no_command_line(app: App) -> None:
    engine = connect(app.engine.url.set(password=r"a:b\c").render_as_string(hide_password=False))
    with postgres_tools.connection_words(engine) as words:
        assert "a:b" not in words
        file = Path(words.split("passfile=")[1].split()[0])
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text() == "*:*:*:*:a\\:b\\\\c\n"
    assert not file.exists()
