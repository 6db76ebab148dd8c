"""Save a text exactly as it came, before anything reads it. The provider's id makes it unique."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.db import storable
from monitor.domain.phone import normalise_sender
from monitor.locking import add_once
from monitor.models import Inbound
from monitor.sms.gateway import Received

MAX_BODY = 20_000


def save_inbound(session: Session, received: Received, *, raw: bytes | None, now: datetime) -> bool:
    """Keep a text; False if this very one is here already. `raw` is the request as it came.

    Nothing about it is refused: a text without a sender is an unknown number's. `raw` holds what no column can.
    """
    sid = received.sid[:64]
    if session.scalar(select(Inbound.id).where(Inbound.sid == sid)) is not None:
        return False
    inbound = Inbound(
        sid=sid,
        from_number=normalise_sender(storable(received.from_)),
        to_number=normalise_sender(storable(received.to)),
        body=storable(received.body)[:MAX_BODY],
        media=received.media,
        raw=raw,
        received_at=now,
    )
    return add_once(session, inbound)
