"""What the rest of the project knows of an SMS and voice provider.

A gateway raises `GatewayRefused`, `GatewayBusy`, `GatewayUnreachable` or `GatewayUnknown` (monitor/errors.py)
and nothing else. It holds no patient data and reads no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from monitor.domain.delivery import ProviderStatus


@dataclass(frozen=True, slots=True)
class Text:
    """One SMS to send. `message_id` is ours and rides in the callback URL;
    `to_staff` picks the sender for pages, where there is one."""

    message_id: int
    to: str
    body: str
    to_staff: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One voice call: `spoken` is read out twice, a keypress takes the alert."""

    message_id: int
    to: str
    spoken: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it: its id for the message and the state it reported."""

    sid: str
    status: ProviderStatus


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the provider knows of."""

    sid: str
    to: str
    body: str
    status: ProviderStatus
    error_code: int | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Received:
    """A text that the provider received for us."""

    sid: str
    from_: str
    to: str
    body: str
    media: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook whose signature was right, its parameters decoded."""

    params: Mapping[str, str]


class Gateway(Protocol):
    """What a provider can do. Times are aware UTC."""

    name: str

    def send(self, what: Text | Call) -> Future[Accepted]:
        """Hand a text or call over; whether the provider took it is in the future, which any thread may end."""
        ...

    def fetch(self, sid: str) -> Sent: ...

    def sent_since(self, to: str, since: datetime) -> Sequence[Sent]:
        """Texts we sent to this number since then: settles a send whose answer was lost."""
        ...

    def received_since(self, since: datetime) -> Sequence[Received]:
        """Texts that arrived since then: finds those whose webhook never reached us."""
        ...

    def verify(self, url: str, body: bytes, signature: str) -> Webhook | None:
        """The webhook's parameters if the signature over the URL and form body is right, else None."""
        ...

    def check(self) -> str:
        """A line for `monitor doctor`: the account answers, or what is wrong (raises GatewayError)."""
        ...
