"""Copy the whole database into one file while everything goes on: the copy is of a single moment."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect

from monitor.clock import Clock, SystemClock
from monitor.db import Sessions, transaction
from monitor.errors import BadInput, NotReady
from monitor.locking import note_moment
from monitor.models import Cursor

Tell = Callable[[int, int], None]  # how much is done, of how much
BEGUN = "backup"  # the cursor that rides in the copy: whatever it says was sent, was sent before this or is in it
ENDED = "backed up"  # the cursor of the last backup that succeeded, in real time, for the doctor
PAGES = 1000  # of SQLite's, in one step
UNFINISHED = ".part"


def quiet(_done: int, _total: int) -> None:
    """Tell nobody."""


def back_up(engine: Engine, sessions: Sessions, folder: Path, *, clock: Clock, tell: Tell = quiet) -> Path:
    """Write a backup into this folder, readable by its owner alone; returns the file."""
    real_now = SystemClock().now()
    with transaction(sessions) as session:
        note_moment(session, Cursor, BEGUN, clock.now())
    on_sqlite = engine.dialect.name == "sqlite"
    path = _new_file(folder, real_now, "db" if on_sqlite else "dump")
    part = path.with_name(path.name + UNFINISHED)
    try:
        (_copy_sqlite if on_sqlite else _dump_postgres)(engine, part, tell)
        _to_the_disk(part)
        part.replace(path)
    except (sqlite3.Error, OSError) as error:
        raise NotReady(f"the backup could not be written to {folder}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    with transaction(sessions) as session:
        note_moment(session, Cursor, ENDED, real_now)
    return path


def last_backup(sessions: Sessions) -> datetime | None:
    """When the last backup that succeeded was made, in real time."""
    with transaction(sessions) as session:
        cursor = session.get(Cursor, ENDED)
        return cursor.at if cursor else None


def _new_file(folder: Path, at: datetime, ending: str) -> Path:
    """An empty file with a name of its own beside which nobody else works; it is the backup once it is whole."""
    stem = f"monitor-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in (stem, *(f"{stem}-{n}" for n in range(2, 100))):
            path = folder / f"{name}.{ending}"
            part = path.with_name(path.name + UNFINISHED)
            if path.exists():
                continue
            with suppress(FileExistsError):
                os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                return path
    except OSError as error:
        raise BadInput("to", str(folder), f"a folder that can be written ({error.strerror})") from None
    raise BadInput("to", str(folder), "a folder without a hundred backups of this very second")


def _copy_sqlite(engine: Engine, part: Path, tell: Tell) -> None:
    """SQLite's own copy. It reads within one transaction, so that a busy writer cannot make it begin anew."""
    with closing(engine.raw_connection()) as borrowed, closing(sqlite3.connect(part)) as copy:
        live: Any = borrowed.driver_connection
        live.execute("BEGIN")
        try:
            live.execute("SELECT count(*) FROM sqlite_master").fetchone()
            live.backup(copy, pages=PAGES, progress=lambda _, left, total: tell(total - left, total))
        finally:
            live.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode=DELETE")  # one file holds it all
        found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise NotReady(f"the copy is not whole, so the database may not be: {found}")


def _dump_postgres(engine: Engine, part: Path, tell: Tell) -> None:
    """PostgreSQL's own copy, of one snapshot."""
    from monitor.services.postgres_tools import connection_words, find_program, run_program

    program = find_program(engine, "pg_dump")
    total, done = len(inspect(engine).get_table_names()), 0

    def heed(line: str) -> None:
        nonlocal done
        if "dumping contents of table" in line:
            tell(done, total)
            done += 1

    with connection_words(engine) as words:
        how = ["--format=custom", "--no-owner", "--no-privileges", "--verbose", "--no-password"]
        run_program(program, [*how, f"--file={part}", f"--dbname={words}"], heed=heed)
    tell(total, total)


def _to_the_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
