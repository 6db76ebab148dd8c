"""Bring the database to this program's revision while others work on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from monitor.db import migrations_folder, reason_of
from monitor.domain.release import Fit
from monitor.errors import NotReady
from monitor.services.release import find_fit

MIGRATING = 7208  # any number that names this lock and no other
PATIENCE = 300.0  # seconds to wait for another host that migrates
# Whoever waits for a table holds up everybody who comes after: better to give up soon and try again.
LOCK_TIMEOUT, TRIES, PAUSE = "1s", 30, 1.0
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code


def migrate(engine: Engine, revision: str = "head") -> None:
    """Up, or down to "base"; a database that a newer program has migrated stays as it is. Each migration is
    committed alone, so that no lock outlives it. Raises NotReady."""
    try:
        with engine.connect() as connection, _alone(connection):
            fit = find_fit(connection)
            connection.commit()
            if fit == Fit.BEYOND:
                raise NotReady(f"the database is {fit}")
            if fit != Fit.NEWER:
                _run(connection, revision)
    except DBAPIError as error:
        raise NotReady(f"the database cannot be prepared: {reason_of(error)}") from error


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hosts that are upgraded together take turns. They ask again and again: one that waited inside the server
    would hold up an index that is made concurrently, which waits for everybody."""
    if connection.dialect.name != "postgresql":
        yield
        return
    end = time.monotonic() + PATIENCE
    while not connection.scalar(select(func.pg_try_advisory_lock(MIGRATING))):
        connection.commit()
        if time.monotonic() > end:
            raise NotReady("another host has been migrating the database for minutes")
        time.sleep(0.2)
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("RESET lock_timeout"))
        connection.execute(select(func.pg_advisory_unlock(MIGRATING)))
        connection.commit()


def _run(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    for left in reversed(range(TRIES)):
        try:
            (command.downgrade if revision == "base" else command.upgrade)(config, revision)
            connection.commit()
        except DBAPIError as error:
            connection.rollback()
            if not left or getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            time.sleep(PAUSE)
        else:
            return
