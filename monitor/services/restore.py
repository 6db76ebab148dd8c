"""Put a backup in the place of the database, all of it or nothing, marked as not caught up yet."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from sqlalchemy import Engine, func, inspect, select

from monitor.db import Sessions, transaction
from monitor.errors import BadInput, NotReady
from monitor.models import Heartbeat, Inbound, Message, Patient, Staff
from monitor.services.backup import PAGES, Tell, quiet
from monitor.services.move import move
from monitor.services.release import known_revisions

ALLOWED = "a file that `monitor backup` wrote"
MAGIC = {b"SQLite format 3\x00": "sqlite", b"PGDMP": "postgresql"}
NAME_OF = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
ALIVE = timedelta(seconds=45)  # three heartbeats
FUNCTIONS = ("refuse_to_change_events",)  # that migrations have made; a table's drop leaves them behind
PATIENCE = 30.0  # seconds to wait for somebody who holds the database
# It stands in the same transaction as what is put back, so that no worker can send before the provider was asked.
# A backup of an unfinished restore keeps the older moment.
MARK = (
    "INSERT INTO cursors (name, at) SELECT 'restored', coalesce((SELECT at FROM cursors WHERE name = 'backup'), "
    "(SELECT max(at) FROM events), CURRENT_TIMESTAMP) WHERE true ON CONFLICT (name) DO NOTHING"
)


def refuse_while_alive(sessions: Sessions, now: datetime) -> None:
    """A worker must not go on sending from what is replaced under it. `now` is real time."""
    with transaction(sessions) as session:
        beat = session.scalar(select(func.max(Heartbeat.at)).where(Heartbeat.name == "worker"))
    age = now - beat if beat else ALIVE
    if age < ALIVE:
        wait = (ALIVE - age).total_seconds()
        raise NotReady(f"a worker lives on this database: stop it, and try again {wait:.0f} s after its end")


def is_empty(sessions: Sessions) -> bool:
    """Whether nobody and nothing would be lost: set up, perhaps, and not used."""
    with transaction(sessions) as session:
        return not any(session.scalar(select(func.count()).select_from(t)) for t in (Patient, Staff, Message, Inbound))


@contextmanager
def opened(engine: Engine, path: Path, *, tell: Tell = quiet) -> Iterator[Path]:
    """The backup checked, marked and ready for `put_back`; refused unless it is whole, of an engine from which
    there is a way to this one, and of a schema that we know."""
    kind, mine = _kind_of(path), engine.dialect.name
    if kind is None or (kind, mine) == ("postgresql", "sqlite"):
        found = f"a backup of {NAME_OF[kind]}" if kind else "something else"
        raise BadInput(str(path), found, f"{ALLOWED} on {NAME_OF[mine]}")
    with TemporaryDirectory(prefix="monitor-restore-", dir=_room(engine)) as folder:
        ready = Path(folder) / "ready"
        try:
            revision = (_stage_sqlite if kind == "sqlite" else _stage_postgres)(engine, path, ready, tell)
        except OSError as error:
            raise NotReady(f"no room to make the backup ready in {folder}: {error.strerror}") from error
        if revision not in known_revisions():
            raise BadInput(
                str(path), f"schema {revision}", "a backup made by this version of the program or one before"
            )
        yield ready


def put_back(engine: Engine, ready: Path, *, tell: Tell = quiet) -> None:
    """One transaction: a crash half-way leaves what was there. A backup of SQLite may go into PostgreSQL."""
    if engine.dialect.name == "sqlite":
        _load_sqlite(engine, ready)
    elif _kind_of(ready) == "sqlite":
        move(ready, engine, tell=tell)
    else:
        _load_postgres(engine, ready)


def _kind_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BadInput("FILE", str(path), f"{ALLOWED} ({error.strerror})") from None
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


def _room(engine: Engine) -> Path | None:
    """Beside the database, where there is room for another one; for a server's, wherever there is."""
    return Path(engine.url.database).parent if engine.dialect.name == "sqlite" and engine.url.database else None


# --- SQLite


def _stage_sqlite(_engine: Engine, path: Path, ready: Path, tell: Tell) -> str:
    os.close(os.open(ready, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as backup,
            closing(sqlite3.connect(ready)) as copy,
        ):
            backup.backup(copy, pages=PAGES, progress=lambda _, left, total: tell(total - left, total))
            problem = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if problem != "ok":
                raise BadInput(str(path), "damage", f"{ALLOWED}, whole")
            revision = copy.execute("SELECT version_num FROM alembic_version").fetchone()
            copy.execute(MARK)
            copy.commit()
    except sqlite3.Error as error:
        raise BadInput(str(path), str(error), f"{ALLOWED}, whole") from None
    return str(revision[0]) if revision else "unknown"


def _load_sqlite(engine: Engine, ready: Path) -> None:
    end = time.monotonic() + PATIENCE

    def wait(_status: int, left: int, _total: int) -> None:
        if left and time.monotonic() > end:
            raise NotReady("somebody holds the database: end every `monitor` on it")

    with closing(engine.raw_connection()) as live, closing(sqlite3.connect(ready)) as copy:
        driver = live.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        try:
            copy.backup(driver, progress=wait)
        except sqlite3.Error as error:
            raise NotReady(f"the database cannot be replaced: {error}") from error


# --- PostgreSQL


def _stage_postgres(engine: Engine, path: Path, ready: Path, tell: Tell) -> str:
    """The whole backup as a script: one that is cut off or damaged fails here, before anything is touched."""
    from monitor.services.postgres_tools import find_program, run_program

    program = find_program(engine, "pg_restore")
    body, version = ready.with_name("body"), ready.with_name("version")
    try:
        run_program(program, ["--no-owner", "--no-privileges", f"--file={body}", path])
        run_program(program, ["--data-only", "--table=alembic_version", f"--file={version}", path])
    except NotReady as error:
        raise BadInput(str(path), str(error), f"{ALLOWED}, whole") from None
    tell(1, 2)
    drop = [f'DROP TABLE IF EXISTS public."{name}" CASCADE;\n' for name in inspect(engine).get_table_names("public")]
    drop += [f"DROP FUNCTION IF EXISTS public.{name};\n" for name in FUNCTIONS]
    with ready.open("w", encoding="utf-8") as script, body.open(encoding="utf-8", newline="") as source:
        script.write("SET lock_timeout = '10s';\n" + "".join(drop))
        for line in source:
            script.write(line)
        script.write(f"\nSET search_path = public;\n{MARK};\n")
    body.unlink()
    tell(2, 2)
    found = re.search(r"^COPY public\.alembic_version .*\n(\w+)$", version.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "unknown"


def _load_postgres(engine: Engine, ready: Path) -> None:
    from monitor.services.postgres_tools import connection_words, find_program, run_program

    program = find_program(engine, "psql")
    with connection_words(engine) as words:
        how = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--no-password"]
        run_program(program, [*how, f"--file={ready}", f"--dbname={words}"])
