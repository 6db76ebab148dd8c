"""Move everything that an SQLite file holds into a PostgreSQL database, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from monitor.db import connect, reason_of
from monitor.errors import NotReady
from monitor.models import Base
from monitor.services.backup import Tell, quiet
from monitor.services.migrate import migrate

ROWS = 1000  # at a time


def move(file: Path, engine: Engine, *, tell: Tell = quiet) -> None:
    """The file's tables in the place of the database's, which is of this program's release. Whatever goes wrong
    leaves what was there."""
    source = connect(f"sqlite:///{file}")
    try:
        migrate(source)
        with source.connect() as old, engine.begin() as new:
            _move_all(old, new, tell)
    except DBAPIError as error:
        raise NotReady(f"the rows cannot be moved: {reason_of(error)}") from error
    finally:
        source.dispose()


def _move_all(old: Connection, new: Connection, tell: Tell) -> None:
    tables = Base.metadata.sorted_tables  # what others refer to comes first
    total, done = sum(_count(old, table) for table in tables), 0
    _empty(new, tables)
    for table in tables:
        for rows in old.execute(select(table)).mappings().partitions(ROWS):
            new.execute(insert(table), [dict(row) for row in rows])
            done += len(rows)
            tell(done, total)
        if _count(new, table) != _count(old, table):
            raise NotReady(f"not every row of {table.name} has arrived: nothing is moved")
        _go_on_counting(new, table)


def _empty(new: Connection, tables: Sequence[Table]) -> None:
    """The log, too, which refuses it to everybody else: its guards are back before the first row is there."""
    new.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
    new.execute(text(f"TRUNCATE {', '.join(table.name for table in tables)}"))
    new.execute(text("ALTER TABLE events ENABLE TRIGGER USER"))


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _go_on_counting(new: Connection, table: Table) -> None:
    """The next id that the server gives out comes after those that were given here."""
    sequence = new.scalar(select(func.pg_get_serial_sequence(table.name, "id"))) if "id" in table.columns else None
    if sequence:
        highest = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
        new.execute(select(func.setval(sequence, highest, False)))
