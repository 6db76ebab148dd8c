"""What the stand-in remembers, and how Twilio writes it in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

API = "/2010-04-01/Accounts"


@dataclass(frozen=True)
class Request:
    """One request to the REST interface; `query` and `form` hold the last value of each key."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    events: tuple[str, ...]  # StatusCallbackEvent, the one key that is repeated
    authorization: str | None
    body: bytes


@dataclass(frozen=True)
class WebhookCall:
    """One webhook that the stand-in sent, and what came back; status 0 when nobody answered."""

    url: str
    params: Mapping[str, str]
    signature: str | None
    status: int
    text: str


@dataclass
class Message:
    """A message resource, inbound or outbound."""

    sid: str
    account_sid: str
    to: str
    from_: str | None
    body: str
    direction: str
    status: str
    created_at: datetime
    sent_at: datetime | None = None
    error_code: int | None = None
    service_sid: str | None = None
    callback: str | None = None
    media: int = 0

    def as_json(self) -> dict[str, Any]:
        uri = f"{API}/{self.account_sid}/Messages/{self.sid}"
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": rfc2822(self.created_at),
            "date_sent": rfc2822(self.sent_at),
            "date_updated": rfc2822(self.sent_at or self.created_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.from_,
            "messaging_service_sid": self.service_sid,
            "num_media": str(self.media),
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


@dataclass
class CallRecord:
    """A call resource. `heard` is what the phone played; `gather` where a keypress would go."""

    sid: str
    account_sid: str
    to: str
    from_: str
    url: str
    created_at: datetime
    callback: str | None = None
    events: tuple[str, ...] = ()
    status: str = "queued"
    started_at: datetime | None = None
    heard: list[str] = field(default_factory=list)
    gather: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "account_sid": self.account_sid,
            "answered_by": None,
            "api_version": "2010-04-01",
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.created_at),
            "direction": "outbound-api",
            "duration": None,
            "end_time": None,
            "from": self.from_,
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "start_time": rfc2822(self.started_at),
            "status": self.status,
            "to": self.to,
            "uri": f"{API}/{self.account_sid}/Calls/{self.sid}.json",
        }


def rfc2822(at: datetime | None) -> str | None:
    """Twilio's dates: whole seconds, and null where nothing happened yet."""
    return format_datetime(at) if at else None
