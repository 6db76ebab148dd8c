"""Keep the outbox small: what ended long ago moves to history, and comes back if it must be changed after all.

A text moves as it stands and under its own id, once it has ended, that is longer ago than the setting says, and
nothing open hangs on it: neither its check-in nor its alert. It is in one of the two tables at every moment. That
an episode is over cannot be asked for as well, for its yearly reminders have no end.

What decides looks back over days, and the setting allows no less than a month, so nearly all of the program need not
know of history. The rest does one of two things, and what was sent is never planned again:

- whoever may change such a text (an episode that is planned anew, the provider's very late word) brings it back
  first, and goes on as always; it moves again when it has ended;
- whoever only asks (was this written before? was this patient ever texted? the calendar, the ledger) asks of both
  tables in one statement (`queries.wherever`).

Every batch is a short transaction that leaves out what others work on: it may run on several workers at once, and be
ended at any moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.domain.delivery import FINAL
from monitor.locking import give_way
from monitor.models import Alert, CheckIn, Message, MessageColumns, PastMessage

BATCH = 200
BATCHES = 50  # at a time; the next time goes on from there


def archive(sessions: Sessions, clock: Clock, *, keep: timedelta) -> int:
    """Move texts that ended longer ago than `keep` (days, at least 30) to history; returns how many."""
    moved = 0
    for _ in range(BATCHES):
        with transaction(sessions) as session:
            ids = _find_ended(session, before=clock.now() - keep)
            _move(session, ids, Message, PastMessage)
        moved += len(ids)
        if len(ids) < BATCH:
            break
        give_way(session)
    return moved


def bring_back(session: Session, which: ColumnElement[bool]) -> int:
    """Make messages of these past ones again, to be changed in this transaction; returns how many that were.

    Ask for them among the messages first, with a lock: then none can move between the two looks.
    """
    written_anew = select(Message.id).where(Message.once == PastMessage.once).exists()
    ids = session.scalars(select(PastMessage.id).where(which, ~written_anew).with_for_update()).all()
    _move(session, ids, PastMessage, Message)
    return len(ids)


def _find_ended(session: Session, *, before: datetime) -> Sequence[int]:
    checkin = select(CheckIn.id).where(CheckIn.id == Message.checkin_id, CheckIn.state.in_(["planned", "open"]))
    alert = select(Alert.id).where(Alert.id == Message.alert_id, Alert.closed_at.is_(None))
    each = aliased(Message)
    newest = select(func.max(each.id)).scalar_subquery()  # it stays: SQLite would give its id away again
    ended = (
        select(Message.id)
        .where(Message.ended_at < before, Message.state.in_(FINAL), Message.id < newest)
        .where(~or_(checkin.exists(), alert.exists()))
        .order_by(Message.ended_at)
        .limit(BATCH)
    )
    return session.scalars(ended.with_for_update(skip_locked=True, of=Message)).all()


def _move(session: Session, ids: Sequence[int], source: type[MessageColumns], target: type[MessageColumns]) -> None:
    if not ids:
        return
    names = [column.key for column in Message.__table__.columns]
    rows = select(*(getattr(source, name) for name in names)).where(source.id.in_(ids))
    session.execute(insert(target).from_select(names, rows))
    session.execute(delete(source).where(source.id.in_(ids)).execution_options(synchronize_session=False))
