"""A gateway that talks to the stand-in, with time-outs short enough to wait for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.sms.twilio_gateway import TwilioGateway
from tests.twilio_standin import Standin
from tests.twilio_standin.fixture import standin
from tests.twilio_standin.standin import ACCOUNT_SID, AUTH_TOKEN, NUMBER, PREVIOUS_AUTH_TOKEN

__all__ = ["standin"]

PUBLIC_URL = "https://clinic.example"
GatewayFactory = Callable[..., TwilioGateway]


@pytest.fixture
def make_gateway(standin: Standin) -> GatewayFactory:
    """A gateway to the stand-in; any argument may be replaced."""

    def make(**changes: object) -> TwilioGateway:
        settings: dict[str, object] = {
            "account_sid": ACCOUNT_SID,
            "auth_token": AUTH_TOKEN,
            "previous_auth_token": PREVIOUS_AUTH_TOKEN,
            "from_number": NUMBER,
            "base_url": standin.url,
            "public_url": PUBLIC_URL,
            "connect_timeout": 1.0,
            "read_timeout": 0.3,
        }
        return TwilioGateway(**(settings | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def gateway(make_gateway: GatewayFactory) -> TwilioGateway:
    return make_gateway()


@pytest.fixture(autouse=True)
def no_callbacks(standin: Standin) -> None:
    """Nobody listens at PUBLIC_URL: the tests of the gateway look at requests, not at callbacks."""
    standin.mute()
