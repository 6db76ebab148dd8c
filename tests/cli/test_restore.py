"""`monitor restore` at a terminal: what it refuses, what it does and says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from monitor.bootstrap import build
from monitor.clock import SystemClock
from monitor.db import transaction
from monitor.locking import note_moment
from monitor.models import Cursor, Heartbeat
from monitor.services.catch_up import RESTORED
from tests.cli.conftest import Done, Monitor

Enrol = Callable[..., Done]


def backup(monitor: Monitor) -> str:
    done = monitor("backup")
    assert done.code == 0, done
    return done.out.rsplit(" (", 1)[0]


def note(table: type[Cursor | Heartbeat], name: str) -> None:
    app = build()
    with closing(app.engine.raw_connection()), transaction(app.sessions) as session:
        note_moment(session, table, name, SystemClock().now())
    app.engine.dispose()


def test_a_new_machine_has_everything_back(enrol: Enrol, monitor: Monitor, home: Path, tmp_path: Path) -> None:
    enrol()
    before, file = monitor("episode", "list", "--json").out, tmp_path / "kept.db"
    shutil.copy(backup(monitor), file)
    shutil.rmtree(home)
    done = monitor("restore", str(file))
    assert (done.code, done.err) == (0, "")
    assert re.match(r"as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. The provider knew of 0 texts", done.out)
    assert monitor("episode", "list", "--json").out == before
    assert monitor("ledger").code == 0
    assert (home / "secret.key").exists()


def test_a_database_in_use_is_replaced_only_when_told_and_backed_up_first(enrol: Enrol, monitor: Monitor) -> None:
    enrol()
    file = backup(monitor)
    enrol(phone="+1 202 555 0124", name="Ben Ray")
    both = monitor("episode", "list", "--json").out
    assert monitor("restore", file).is_refused("database", "--replace")
    done = monitor("restore", file, "--replace")
    assert done.code == 0
    assert len(monitor("episode", "list", "--json").json) == 1
    saved = done.lines[0].removeprefix("what was there: ")
    assert monitor("restore", saved, "--replace").code == 0
    assert monitor("episode", "list", "--json").out == both


def test_it_is_refused_while_a_worker_lives(enrol: Enrol, monitor: Monitor) -> None:
    enrol()
    file = backup(monitor)
    note(Heartbeat, "worker")
    assert monitor("restore", file, "--replace").is_refused("a worker lives", "stop it")


def test_without_a_file_there_must_be_one_to_finish(ready: Monitor) -> None:
    assert ready("restore").is_refused("no restore waits")
    note(Cursor, RESTORED)
    assert ready("worker").is_refused("a restore is not finished")
    assert ready("run").is_refused("a restore is not finished")
    assert ready("restore").code == 0
    assert ready("restore").is_refused("no restore waits")


def test_a_backup_of_the_other_engine_is_refused(enrol: Enrol, monitor: Monitor, tmp_path: Path) -> None:
    enrol()
    (tmp_path / "other.dump").write_bytes(b"PGDMP" + b"\0" * 100)
    assert monitor("restore", str(tmp_path / "other.dump"), "--replace").is_refused("a backup of PostgreSQL", "SQLite")
    assert monitor("restore", str(tmp_path / "none.db"), "--replace").is_refused("No such file")
