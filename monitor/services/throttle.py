"""Keep whoever fails to sign in waiting, without locking out those who work here.

Tries are counted by who tries. A browser in which somebody has signed in before is counted by itself; all others
together are counted as strangers to that account, and each address as well. So a stranger who goes on guessing closes
the account to strangers, and its owner goes on signing in where they always do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from sqlalchemy import delete
from sqlalchemy.orm import Session

from monitor.db import Sessions, transaction
from monitor.domain.access import FORGIVEN_AFTER, TRIES, TRIES_OF_AN_ADDRESS, wait_after
from monitor.errors import TooManyTries
from monitor.locking import hold
from monitor.models import Device, Staff, Tries
from monitor.services.audit import record


@dataclass(frozen=True, slots=True)
class Caller:
    """Who tries: the address, and the digest of what the browser was given when somebody signed in there."""

    address: str
    device: str | None = None


def count_try(
    sessions: Sessions, caller: Caller, what: str, *, staff_id: int | None, now: datetime, alone: bool = False
) -> list[str]:
    """Count a try before it is made, so that many at once count as many. `staff_id` is whom it is meant for, and
    `what` which of their secrets is tried: each is counted by itself. `alone` counts the address and nothing else, for
    what is too long to be guessed. Returns what to `forgive` if it succeeds; raises TooManyTries."""
    with transaction(sessions) as session:
        limits = _limits(session, caller, what, staff_id, alone=alone)
        hold(session, *limits)
        rows = [_tries(session, key, now) for key in limits]
        closed = [row.closed_until for row in rows if row.closed_until is not None and row.closed_until > now]
        if closed:
            raise TooManyTries(ceil((max(closed) - now).total_seconds() / 60))
        for row in rows:
            row.failed += 1
            wait = wait_after(row.failed, limits[row.key])
            row.closed_until = now + wait if wait else None
            if row.failed == limits[row.key] and staff_id is not None:
                _tell(session, staff_id, now)
        return list(limits)


def forgive(session: Session, keys: list[str]) -> None:
    """It was the right one: the tries before it were slips."""
    session.execute(delete(Tries).where(Tries.key.in_(keys)))


def forget_old_tries(session: Session, now: datetime) -> None:
    session.execute(delete(Tries).where(Tries.first_at < now - FORGIVEN_AFTER * 24))


def _limits(session: Session, caller: Caller, what: str, staff_id: int | None, *, alone: bool) -> Mapping[str, int]:
    """The counters of this try, and how many failures each allows."""
    device = session.get(Device, caller.device) if caller.device else None
    if device is not None and device.staff_id == staff_id:
        return {f"device:{device.digest[:40]} {what}"[:100]: TRIES}
    address = {f"address:{caller.address[:60]}": TRIES_OF_AN_ADDRESS}
    return address if alone else {**address, f"strangers:{what}"[:100]: TRIES}


def _tell(session: Session, staff_id: int, now: datetime) -> None:
    """Somebody has failed so often that they must wait: it stands in the log."""
    clinic_id = session.get_one(Staff, staff_id).clinic_id
    record(session, "sign_in_closed", at=now, clinic_id=clinic_id, staff=staff_id)


def _tries(session: Session, key: str, now: datetime) -> Tries:
    row = session.get(Tries, key, populate_existing=True)
    if row is None:
        row = Tries(key=key, failed=0, first_at=now)
        session.add(row)
    elif now - row.first_at > FORGIVEN_AFTER and (row.closed_until is None or row.closed_until <= now):
        row.failed, row.first_at = 0, now
    return row
