"""The built-in phones: a gateway that sends no SMS and keeps what each phone's screen would show.

It plays the provider's part too: STOP, START and HELP are answered by the carrier, not by us.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, storable, transaction
from monitor.domain.carrier import CarrierWord, carrier_word
from monitor.domain.delivery import ProviderStatus
from monitor.errors import GatewayRefused
from monitor.models import PhoneText
from monitor.sms.gateway import Accepted, Call, Received, Sent, Text, Webhook

CARRIER_SAYS = {
    CarrierWord.STOP: "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe.",
    CarrierWord.START: "You have successfully been re-subscribed to messages from this number. Reply HELP for "
    "help. Reply STOP to unsubscribe.",
    CarrierWord.HELP: "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}
OPTED_OUT = 21610


class PhonesGateway:
    """A `Gateway` whose phones are rows. Every text is delivered at once."""

    name = "phones"

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self.sessions, self.clock = sessions, clock

    def send(self, what: Text | Call) -> Future[Accepted]:
        """It has ended when it is returned."""
        answer: Future[Accepted] = Future()
        try:
            answer.set_result(self._ring(what) if isinstance(what, Call) else self._deliver(what))
        except Exception as error:  # noqa: BLE001 -- whoever asks for the result is told
            answer.set_exception(error)
        return answer

    def _deliver(self, text: Text) -> Accepted:
        with transaction(self.sessions) as session:
            if self._opted_out(session, text.to):
                raise GatewayRefused(OPTED_OUT)
            sid = self._show(session, text.to, text.body, incoming=True, message_id=text.message_id)
        return Accepted(sid, ProviderStatus.DELIVERED)

    def _ring(self, call: Call) -> Accepted:
        with transaction(self.sessions) as session:
            sid = self._show(session, call.to, call.spoken, incoming=True, message_id=call.message_id, call=True)
        return Accepted(sid, ProviderStatus.RINGING)

    def fetch(self, sid: str) -> Sent:
        with transaction(self.sessions) as session:
            row = session.scalar(select(PhoneText).where(PhoneText.sid == sid))
            if row is None:
                raise GatewayRefused(20404)
            return _sent(row)

    def sent_since(self, to: str, since: datetime) -> Sequence[Sent]:
        with transaction(self.sessions) as session:
            rows = session.scalars(
                select(PhoneText).where(PhoneText.phone == to, PhoneText.incoming, PhoneText.at >= since)
            )
            return [_sent(row) for row in rows]

    def received_since(self, since: datetime) -> Sequence[Received]:
        with transaction(self.sessions) as session:
            rows = session.scalars(select(PhoneText).where(~PhoneText.incoming, PhoneText.at >= since))
            return [Received(row.sid, row.phone, "clinic", row.body, 0, row.at) for row in rows]

    def verify(self, url: str, body: bytes, signature: str) -> Webhook | None:  # noqa: ARG002
        """No provider calls back to the built-in phones, so every webhook is a stranger's."""
        return None

    def check(self) -> str:
        return "built-in phones: no SMS leaves this machine"

    def type_text(self, phone: str, body: str) -> Received:
        """Somebody types a text on one of the phones; the carrier answers its own words."""
        with transaction(self.sessions) as session:
            word = carrier_word(body, opted_out=self._opted_out(session, phone))
            sid = self._show(session, phone, body, incoming=False)
            if word is not None:
                self._show(session, phone, CARRIER_SAYS[word], incoming=True)
        return Received(sid, phone, "clinic", body, 0, self.clock.now())

    def _show(
        self,
        session: Session,
        phone: str,
        body: str,
        *,
        incoming: bool,
        message_id: int | None = None,
        call: bool = False,
    ) -> str:
        sid = f"PH{uuid4().hex}"
        at = self.clock.now().astimezone(UTC)
        session.add(
            PhoneText(
                sid=sid, phone=phone, body=storable(body), incoming=incoming, message_id=message_id, call=call, at=at
            )
        )
        return sid

    def _opted_out(self, session: Session, phone: str) -> bool:
        """The last of the carrier's own words that this phone sent decides."""
        typed = session.scalars(
            select(PhoneText.body).where(PhoneText.phone == phone, ~PhoneText.incoming).order_by(PhoneText.id.desc())
        )
        words = (carrier_word(body, opted_out=True) for body in typed)
        return next((w == CarrierWord.STOP for w in words if w in {CarrierWord.STOP, CarrierWord.START}), False)


def _sent(row: PhoneText) -> Sent:
    return Sent(row.sid, row.phone, row.body, ProviderStatus.DELIVERED, None, row.at)
