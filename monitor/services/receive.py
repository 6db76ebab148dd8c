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
    return save_arrivals(session, [Arrival(received, raw, now)]) == 1


def save_arrivals(session: Session, arrivals: Sequence[Arrival]) -> int:
    """Keep texts in the order of their arrival; how many of them were not here already."""
    first_of = {arrival.sid: arrival for arrival in reversed(arrivals)}
    known = set(session.scalars(select(Inbound.sid).where(Inbound.sid.in_(first_of))))
    new = [a.row() for a in arrivals if a.sid not in known and first_of[a.sid] is a]
    if add_once(session, *new):
        return len(new)
    return sum(add_once(session, row) for row in new)
