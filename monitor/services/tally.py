"""Numbers that are kept beside the rows they were counted from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, literal, update
from sqlalchemy.orm import Session

from monitor.locking import add_once
from monitor.models import Tally


def set_tally(session: Session, name: str, count: int, *, at: datetime) -> None:
    """Keep this count, in the place of the last one."""
    _write(session, Tally(name=name, count=count, at=at), literal(count))


def add_to_tally(session: Session, name: str, count: int, *, at: datetime) -> None:
    """So many more, also when several say so at once."""
    _write(session, Tally(name=name, count=count, at=at), Tally.count + count)


def _write(session: Session, first: Tally, count: ColumnElement[int]) -> None:
    change = update(Tally).where(Tally.name == first.name).values(count=count, at=first.at).returning(Tally.name)
    change = change.execution_options(synchronize_session=False)
    if session.scalar(change) is None and not add_once(session, first):
        session.execute(change)
