"""The built-in phones with a carrier's troubles: phones that are off, refused numbers, answers that get lost."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from monitor.clock import Clock
from monitor.db import Sessions
from monitor.domain.delivery import ProviderStatus
from monitor.errors import GatewayError, GatewayUnknown
from monitor.sms.gateway import Accepted, Call, Received, Text
from monitor.sms.phones import PhonesGateway


@dataclass(frozen=True, slots=True)
class Report:
    """What the carrier will say later of a text it took."""

    message_id: int
    sid: str
    status: str
    code: int | None


class TroubledPhones(PhonesGateway):
    """Each number may be given one trouble; without any it is the plain gateway."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        super().__init__(sessions, clock)
        self.off: dict[str, int | None] = {}  # taken, and later reported undelivered with this code
        self.failing: dict[str, GatewayError] = {}  # every request for this number ends so
        self.answer_lost: set[str] = set()  # the phone shows the text, and we never hear that it was taken
        self.silent: set[str] = set()  # taken, and nothing more is ever said
        self.reports: list[Report] = []

    def _deliver(self, text: Text) -> Accepted:
        if text.to in self.failing:
            raise self.failing[text.to]
        if text.to in self.off:
            return self._take(text.message_id, "undelivered", self.off[text.to])
        accepted = super()._deliver(text)
        if text.to in self.answer_lost:
            raise GatewayUnknown("the connection broke")
        return Accepted(accepted.sid, ProviderStatus.QUEUED) if text.to in self.silent else accepted

    def _ring(self, call: Call) -> Accepted:
        if call.to in self.failing:
            raise self.failing[call.to]
        if call.to in self.off:
            return self._take(call.message_id, "no-answer", None)
        return super()._ring(call)

    def show(self, phone: str, body: str, message_id: int) -> None:
        """A text reaches a phone, and whoever sent it never learns that."""
        super()._deliver(Text(message_id, phone, body))

    def photo(self, phone: str) -> Received:
        """A picture without a word."""
        return Received(f"MM{uuid4().hex}", phone, "clinic", "", 1, self.clock.now())

    def _take(self, message_id: int, status: str, code: int | None) -> Accepted:
        sid = f"PH{uuid4().hex}"
        self.reports.append(Report(message_id, sid, status, code))
        return Accepted(sid, ProviderStatus.QUEUED)
