"""Look which release the database is of, at the start and as long as a process runs.

Hosts are upgraded one after the other, so that for a while processes of two releases work side by side. A release
only adds to the database; when one can no longer do with what the programs before it write, its migration says so.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, column, inspect, select, table
from sqlalchemy.exc import DBAPIError

from monitor.db import migrations_folder, reason_of
from monitor.domain.release import Fit, fit_of
from monitor.errors import NotReady
from monitor.models import Compatibility

log = logging.getLogger(__name__)
VERSION = table("alembic_version", column("version_num"))
NAMED = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.MULTILINE)
EVERY = 15.0  # seconds between two looks of a process that runs, as between two heartbeats


def known_revisions() -> tuple[str, ...]:
    """The revisions that this program knows, the newest first."""
    return _revisions_in(str(migrations_folder()))


def find_fit(connection: Connection) -> Fit:
    """How the database stands to this program."""
    known, oldest, tables = known_revisions(), None, inspect(connection)
    at = connection.scalar(select(VERSION.c.version_num)) if tables.has_table(VERSION.name) else None
    if at is not None and at not in known and tables.has_table(Compatibility.__tablename__):
        oldest = connection.scalar(select(Compatibility.oldest))
    return fit_of(at, oldest, known)


def look(engine: Engine) -> Fit:
    """The same, on a connection of its own. Raises NotReady where the database does not answer."""
    try:
        with engine.connect() as connection:
            return find_fit(connection)
    except DBAPIError as error:
        raise NotReady(f"the database does not answer: {reason_of(error)}") from error


def require_fit(engine: Engine) -> Fit:
    """Raises NotReady unless this program may work on the database."""
    fit = look(engine)
    if not fit.works:
        raise NotReady(f"the database is {fit}")
    return fit


@contextmanager
def watched(engine: Engine, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` when another host's upgrade takes the database beyond this program. NotReady is raised once what
    was under way has ended: whoever supervises the process sees that it failed, and why."""
    over, last = threading.Event(), [require_fit(engine)]
    _tell(last[0])

    def watch() -> None:
        while last[0].works and not over.wait(EVERY):
            try:
                fit = look(engine)
            except NotReady:
                continue  # whatever needs it now says so
            if fit != last[0]:
                _tell(fit)
            last[0] = fit
        if not last[0].works:
            end()

    thread = threading.Thread(target=watch, name="watch the release", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if not last[0].works:
        raise NotReady(f"the database is {last[0]}")


def _tell(fit: Fit) -> None:
    """Once; what makes the process end is told by its end."""
    if fit == Fit.NEWER:
        log.warning("the database is %s: upgrade this host too", fit)


@cache
def _revisions_in(folder: str) -> tuple[str, ...]:
    """Read off the files: Alembic itself would stay in the memory of every process, a tenth of all it takes."""
    found = [dict(NAMED.findall(path.read_text(encoding="utf-8"))) for path in Path(folder, "versions").glob("*.py")]
    before = {each["revision"]: each["down_revision"] for each in found}
    chain = [*(set(before) - set(before.values()))]
    while chain and before[chain[-1]]:
        chain.append(before[chain[-1]])
    return tuple(chain)
