"""Twilio's side of the web part, without a socket: webhooks signed as Twilio signs them, and plain requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import event
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from monitor.bootstrap import App, build, prepare
from monitor.clock import StoppedClock
from monitor.config import Settings, SmsKind
from monitor.db import transaction
from monitor.services.init import initialise
from monitor.web.app import create_app
from tests.conftest import CLINIC

PUBLIC_URL = "https://clinic.example/behind-a-proxy"
TOKEN, PREVIOUS = "the token", "the token before it"
TEXT = {
    "MessageSid": "SM" + "1" * 32,
    "SmsSid": "SM" + "1" * 32,
    "AccountSid": "AC1",
    "From": "+12025550101",
    "To": "+12025550100",
    "Body": "it hurts",
    "NumMedia": "0",
}


class Client:
    """Requests to an ASGI application, one at a time."""

    def __init__(self, asgi: FastAPI) -> None:
        self.asgi = asgi

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **more))

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return await client.request(method, path, **more)


class Web:
    """The web part of a program. `woken` counts how often the worker was asked to look."""

    def __init__(self, app: App) -> None:
        self.app, self.woken = app, 0
        self.client = Client(create_app(app, wake=self._wake, run_everything=lambda: None))

    def _wake(self) -> None:
        self.woken += 1

    def post(self, path: str, params: Mapping[str, str], *, token: str | None = TOKEN) -> httpx.Response:
        """A webhook signed with this token, or not at all."""
        return self.post_raw(path, urlencode(params).encode(), params, token=token)

    def post_raw(
        self, path: str, body: bytes, params: Mapping[str, str], *, token: str | None = TOKEN
    ) -> httpx.Response:
        """A body as it is, signed for these parameters."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if token is not None:
            signature = RequestValidator(token).compute_signature(PUBLIC_URL + path, dict(params))
            headers["X-Twilio-Signature"] = signature
        return self.client.post(path, content=body, headers=headers)

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value as Prometheus reads it; 0 when there is none."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self.client.get("/metrics").text.splitlines():
            found, _, value = line.rpartition(" ")
            if found.split("{")[0] == name and all(label in found for label in wanted):
                return float(value)
        return 0.0


@pytest.fixture
def twilio_settings(settings: Settings) -> Settings:
    """Real Twilio, at an address where nobody answers."""
    return settings.model_copy(
        update={
            "sms": SmsKind.TWILIO,
            "account_sid": "AC1",
            "auth_token": SecretStr(TOKEN),
            "auth_token_previous": SecretStr(PREVIOUS),
            "from_number": "+12025550100",
            "public_url": PUBLIC_URL,
            "twilio_base_url": "http://127.0.0.1:9",
        }
    )


@pytest.fixture
def twilio_app(twilio_settings: Settings, clock: StoppedClock) -> Iterator[App]:
    """The whole program, set up for one clinic, with Twilio."""
    prepare(twilio_settings).dispose()
    app = build(twilio_settings, clock=clock)
    with transaction(app.sessions) as session:
        initialise(session, CLINIC, now=clock.now())
    yield app
    app.engine.dispose()


@pytest.fixture
def web(twilio_app: App) -> Web:
    return Web(twilio_app)


@pytest.fixture
def impatient(twilio_app: App) -> None:
    """A locked database is waited for only a moment."""

    @event.listens_for(twilio_app.engine, "checkout")
    def shorten(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")
