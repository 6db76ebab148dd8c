"""Save texts exactly as they came, before anything reads them. The provider's id makes each unique."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.db import storable
from monitor.domain.phone import normalise_sender
from monitor.locking import add_once
from monitor.models import Inbound
from monitor.sms.gateway import Received

MAX_BODY = 20_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A text that came at this moment. `raw` is the request as it came, and holds what no column can."""

    received: Received
    raw: bytes | None
    at: datetime

    @property
    def sid(self) -> str:
        return storable(self.received.sid)[:64]

    def row(self) -> Inbound:
        """Nothing about it is refused: a text without a sender is an unknown number's."""
        return Inbound(
            sid=self.sid,
            from_number=normalise_sender(storable(self.received.from_)),
            to_number=normalise_sender(storable(self.received.to)),
            body=storable(self.received.body)[:MAX_BODY],
            media=self.received.media,
            raw=self.raw,
            received_at=self.at,
        )


def save_inbound(session: Session, received: Received, *, raw: bytes | None, now: datetime) -> bool:
    """Keep a text; False if this very one is here already. `raw` is the request as it came."""
    return any(add_once(session, row) for row in _new_rows(session, [Arrival(received, raw, now)]))


def save_arrivals(session: Session, arrivals: Sequence[Arrival]) -> None:
    """Keep texts in the order of their arrival; fails if another process saves one of several in this very moment."""
    rows = _new_rows(session, arrivals)
    if len(arrivals) == 1:
        add_once(session, *rows)
    else:  # without a savepoint, whose way to the server and back is worth as much as a dozen rows
        session.add_all(rows)


def _new_rows(session: Session, arrivals: Sequence[Arrival]) -> list[Inbound]:
    first_of = {arrival.sid: arrival for arrival in reversed(arrivals)}
    known = set(session.scalars(select(Inbound.sid).where(Inbound.sid.in_(first_of))))
    return [a.row() for a in arrivals if a.sid not in known and first_of[a.sid] is a]
