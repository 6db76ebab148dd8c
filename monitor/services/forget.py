"""Delete history that is older than it must be kept, where the clinic has said how long that is.

Texts and what the provider reported of them go; what happened (`events`, ids and codes alone), what patients wrote
and what was made of it stay. The ledger goes on counting what is gone, and neither planning nor the ledger misses a
step of a calendar that was due before `forgotten_before`.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.locking import give_way, note_moment
from monitor.models import Callback, Cursor, PastMessage
from monitor.services.archive import BATCH, BATCHES
from monitor.services.tally import add_to_tally

FORGOTTEN = "history deleted"  # the cursor: of what was due before it, nothing need be there any more
DELETED = "deleted: "  # before "patient" or "staff" and the state, in the tallies


def forget(sessions: Sessions, clock: Clock, *, keep: timedelta) -> int:
    """Delete texts from history that were due and ended longer ago than `keep` (days, at least 365); returns how
    many."""
    before, deleted = clock.now() - keep, 0
    with transaction(sessions) as session:
        known = forgotten_before(session)
        if known is None or known < before:
            note_moment(session, Cursor, FORGOTTEN, before)
    for _ in range(BATCHES):
        with transaction(sessions) as session:
            found = _forget_some(session, before=before, now=clock.now())
        deleted += found
        if found < BATCH:
            break
        give_way(session)
    return deleted


def forgotten_before(session: Session) -> datetime | None:
    """The moment before which history may have been deleted; None if none ever was."""
    cursor = session.get(Cursor, FORGOTTEN)
    return cursor.at if cursor else None


def _forget_some(session: Session, *, before: datetime, now: datetime) -> int:
    found = session.execute(
        select(PastMessage.id, PastMessage.patient_id, PastMessage.state)
        .where(PastMessage.due_at < before, PastMessage.ended_at < before)
        .order_by(PastMessage.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    ids = [row.id for row in found]
    for table, column in ((Callback, Callback.message_id), (PastMessage, PastMessage.id)):
        session.execute(delete(table).where(column.in_(ids)).execution_options(synchronize_session=False))
    counts = Counter(f"{DELETED}{'patient' if row.patient_id else 'staff'} {row.state}" for row in found)
    for name, count in sorted(counts.items()):
        add_to_tally(session, name, count, at=now)
    return len(found)
