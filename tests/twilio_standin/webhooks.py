"""Webhooks as Twilio sends them: a form, signed, on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.twilio_standin.records import WebhookCall

WAIT = 15.0  # seconds that Twilio gives a webhook
Post = Callable[[str, bytes, Mapping[str, str]], tuple[int, str]]


class Signature(StrEnum):
    """Whose signature a webhook carries."""

    CURRENT = "current"
    PREVIOUS = "previous"
    WRONG = "wrong"
    MISSING = "missing"


class Webhooks:
    """Signs, sends, remembers. `post` may be handed in, to reach an app that has no socket."""

    def __init__(self, *, auth_token: str, previous_auth_token: str, post: Post | None = None) -> None:
        self._tokens = {
            Signature.CURRENT: auth_token,
            Signature.PREVIOUS: previous_auth_token,
            Signature.WRONG: "somebody else's token",
        }
        self._post = post or post_over_http
        self.sent: list[WebhookCall] = []

    def call(self, url: str, params: Mapping[str, str], *, signed: Signature = Signature.CURRENT) -> WebhookCall:
        """One request. Nobody answering is status 0."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "I-Twilio-Idempotency-Token": str(uuid4()),
        }
        signature = self.sign(url, params, signed=signed)
        if signature is not None:
            headers["X-Twilio-Signature"] = signature
        status, text = self._post(url, urlencode(params).encode(), headers)
        done = WebhookCall(url, dict(params), signature, status, text)
        self.sent.append(done)
        return done

    def sign(self, url: str, params: Mapping[str, str], *, signed: Signature) -> str | None:
        token = self._tokens.get(signed)
        if token is None:
            return None
        return str(RequestValidator(token).compute_signature(url, dict(params)))


def post_over_http(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=WAIT)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target or "/", body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, HTTPException):
        return 0, ""
    finally:
        connection.close()
