"""Many workers on one database: rows and phones that are one transaction's alone, and rows that are added once.

On SQLite a transaction is alone from its beginning, and all this comes to no more than reading the row anew.
Who waits for whom, so that nobody waits in a circle: phone before message before check-in before alert.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from time import sleep
from typing import TypeVar

from sqlalchemy import func, inspect, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from monitor.db import Base, one_of
from monitor.errors import NotReady

Row = TypeVar("Row", bound=Base)
BREATH = 0.12  # seconds; who waits for SQLite looks every 0.1 s whether it is free
UNIQUE_VIOLATION = "23505"  # PostgreSQL's codes
DEADLOCK = "40P01"
LOCKED = "rows that were locked together"  # among what a session knows

_TRY = text(
    "SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE pg_try_advisory_xact_lock(hashtextextended(name, 0))"
)
_WAIT = text("SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name")


def lock(session: Session, table: type[Row], key: int) -> Row:
    """The row as it stands now, this transaction's alone; rows that refer to it may still be written."""
    if (known := session.info.get(LOCKED, {}).get((table, key))) is not None:
        return known  # type: ignore[no-any-return]
    session.flush()
    how = {"key_share": True, "of": table}
    return session.get_one(table, key, populate_existing=True, with_for_update=how)


def lock_all(session: Session, table: type[Row], keys: Collection[int]) -> Sequence[Row]:
    """Many rows at once, in the order of their ids, so that two who do this do not wait in a circle. To `lock` one
    of them later costs nothing."""
    session.flush()
    mine = select(table).where(one_of(session, table.id, keys)).order_by(table.id)  # type: ignore[attr-defined]
    how = mine.with_for_update(key_share=True, of=table)
    rows = session.scalars(how, execution_options={"populate_existing": True}).all()
    session.info.setdefault(LOCKED, {}).update({(table, row.id): row for row in rows})  # type: ignore[attr-defined]
    return rows


def lock_if_free(session: Session, table: type[Row], key: int) -> Row | None:
    """The same, or None while somebody else is at it."""
    session.flush()
    how = {"key_share": True, "of": table, "skip_locked": True}
    return session.get(table, key, populate_existing=True, with_for_update=how)


def hold(session: Session, *names: str) -> None:
    """Be alone with something until the transaction ends. With a phone number: what it says is read in order,
    and nothing is planned for it twice. Some hundreds at once, no more: the server keeps each in shared memory."""
    if _is_shared(session):  # each in its turn, so that two who want the same do not wait in a circle
        session.execute(_WAIT, {"names": sorted(set(names))})


def hold_free(session: Session, names: Collection[str]) -> set[str]:
    """The same for each of these that nobody else holds; returns which those are."""
    if not _is_shared(session):
        return set(names)
    return set(session.scalars(_TRY, {"names": sorted(names)}))


def add_once(session: Session, *rows: Base) -> bool:
    """Add what was just found missing and may be there once; False if another worker was first with any of these,
    and then none of them is added."""
    if not _is_shared(session):
        session.add_all(rows)
        session.flush()
        return True
    try:
        with session.begin_nested():
            session.add_all(rows)
    except IntegrityError as error:
        if not _is_duplicate(error):
            raise
        return False
    return True


def give_way(session: Session) -> None:
    """Between two transactions of one long piece of work: on SQLite, where each keeps everybody out, whoever waits
    has its turn."""
    if not _is_shared(session):
        sleep(BREATH)


def take_ids(session: Session, table: type[Base], count: int) -> Sequence[int]:
    """Ids for rows that are about to be written: what refers to them can be written without asking for each."""
    key = inspect(table).primary_key[0]
    with session.no_autoflush:  # the rows themselves may be in the session already
        if not _is_shared(session):
            first = (session.scalar(select(func.max(key))) or 0) + 1
            return range(first, first + count)
        sequence = func.pg_get_serial_sequence(table.__tablename__, key.name)
        return session.scalars(select(func.nextval(sequence)).select_from(func.generate_series(1, count))).all()


def note_moment(session: Session, table: type[Base], name: str, at: datetime) -> None:
    """Set the moment that is kept under this name, also when several do so at once."""
    moment = update(table).where(table.name == name).values(at=at)  # type: ignore[attr-defined]
    changed = session.execute(moment.execution_options(synchronize_session=False))
    if not changed.rowcount and not add_once(session, table(name=name, at=at)):  # type: ignore[attr-defined]
        session.execute(moment.execution_options(synchronize_session=False))


def was_deadlock(error: NotReady) -> bool:
    """Whether this transaction was broken off since it and another one waited for one another."""
    return getattr(getattr(error.__cause__, "orig", None), "sqlstate", None) == DEADLOCK


def _is_duplicate(error: IntegrityError) -> bool:
    return getattr(error.orig, "sqlstate", None) == UNIQUE_VIOLATION


def _is_shared(session: Session) -> bool:
    """Whether other transactions may write at this moment."""
    return session.get_bind().dialect.name == "postgresql"
