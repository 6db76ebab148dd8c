"""Every way a request can end, and what the outbox is told of it."""

from __future__ import annotations

import logging
import socket
import ssl
import traceback
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from aiohttp import ClientConnectorCertificateError
from aiohttp.client_reqrep import ConnectionKey

from monitor.errors import GatewayBusy, GatewayError, GatewayRefused, GatewayUnknown, GatewayUnreachable
from monitor.sms.gateway import Call, Text
from monitor.sms.twilio_gateway import TwilioGateway
from monitor.sms.twilio_http import meaning_of
from tests.sms.conftest import GatewayFactory
from tests.twilio_standin import Fault, Standin, busy, garbled, half, refusal, reset, server_error, silence

PATIENT = "+447700900123"
OLD = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = Text(1, PATIENT, "the body of a text")


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_refused_connection_sent_nothing(make_gateway: GatewayFactory) -> None:
    with pytest.raises(GatewayUnreachable):
        make_gateway(base_url=f"http://127.0.0.1:{closed_port()}").send(TEXT).result()


def test_an_unknown_host_sent_nothing(make_gateway: GatewayFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    with pytest.raises(GatewayUnreachable):
        make_gateway(base_url="http://twilio.invalid").send(TEXT).result()


def test_a_host_that_takes_no_connection_in_time_sent_nothing(make_gateway: GatewayFactory) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]  # fills the queue of connections nobody accepts
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        with pytest.raises(GatewayUnreachable):
            make_gateway(base_url=url, connect_timeout=0.3).send(TEXT).result()
        for each in waiting:
            each.close()


def test_a_certificate_that_is_not_trusted_sent_nothing() -> None:
    """Built as the library builds it: a server with such a certificate would need a key in this folder."""
    refused = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error = ClientConnectorCertificateError(ConnectionKey("host", 443, True, True, None, None, None), refused)
    assert isinstance(meaning_of(error), GatewayUnreachable)


def test_a_server_without_tls_leaves_the_outcome_unknown(make_gateway: GatewayFactory, standin: Standin) -> None:
    """A TLS error is no certain sign either way, so the text is looked for before it goes out again."""
    with pytest.raises(GatewayUnknown):
        make_gateway(base_url=standin.url.replace("http:", "https:")).send(TEXT).result()
    assert standin.messages == []


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        (silence(accepts=True), 1),
        (silence(accepts=False), 0),
        (reset(accepts=True), 1),
        (reset(accepts=False), 0),
        (garbled(), 1),
        (half(), 1),
        (server_error(500, accepts=True), 1),
        (server_error(502, accepts=True), 1),
        (server_error(504, accepts=True), 1),
    ],
)
def test_a_lost_answer_leaves_the_outcome_unknown(
    gateway: TwilioGateway, standin: Standin, fault: Fault, kept: int
) -> None:
    standin.fail_next(fault)
    with pytest.raises(GatewayUnknown):
        gateway.send(TEXT).result()
    assert len(standin.messages) == kept
    assert len(standin.requests) == 1, "nothing is tried again behind the outbox's back"


def test_a_call_whose_answer_is_lost_is_unknown_too(gateway: TwilioGateway, standin: Standin) -> None:
    standin.fail_next(silence())
    with pytest.raises(GatewayUnknown):
        gateway.send(Call(1, PATIENT, "spoken")).result()
    assert len(standin.calls) == 1


@pytest.mark.parametrize(
    ("wanted", "seconds"),
    [
        (None, None),
        (7, 7.0),
        (0, 0.0),
        ("soon", None),
        ("-3", None),
        ("Wed, 21 Oct 2099 07:28:00 GMT", "later"),
    ],
)
def test_too_many_requests_is_busy_with_its_wait(
    gateway: TwilioGateway, standin: Standin, wanted: int | str | None, seconds: Any
) -> None:
    standin.fail_next(busy(wanted))
    with pytest.raises(GatewayBusy) as error:
        gateway.send(TEXT).result()
    assert error.value.code == 429
    if seconds == "later":
        assert error.value.retry_after is not None
        assert error.value.retry_after > 86400
    else:
        assert error.value.retry_after == seconds


@pytest.mark.parametrize("status", [503, 599])
def test_twilios_own_5xx_is_busy(gateway: TwilioGateway, standin: Standin, status: int) -> None:
    standin.fail_next(server_error(status))
    with pytest.raises(GatewayBusy) as error:
        gateway.send(TEXT).result()
    assert error.value.code == status


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_question_that_fails_is_only_asked_later(gateway: TwilioGateway, standin: Standin, status: int) -> None:
    """Reading changes nothing at Twilio, so a lost answer to it is no unknown outcome."""
    standin.fail_next(server_error(status), method="GET")
    with pytest.raises(GatewayBusy):
        gateway.fetch("SM1")


@pytest.mark.parametrize("code", [21211, 21610, 21408, 63038])
def test_a_refusal_carries_twilios_code(gateway: TwilioGateway, standin: Standin, code: int) -> None:
    standin.fail_next(refusal(code))
    with pytest.raises(GatewayRefused) as error:
        gateway.send(TEXT).result()
    assert error.value.code == code


@pytest.mark.parametrize(
    ("to", "body", "code"),
    [("12", "x", 21211), (PATIENT, "", 21602), (PATIENT, "x" * 1601, 21617), ("", "x", 21604)],
)
def test_what_twilio_finds_wrong_is_refused(gateway: TwilioGateway, to: str, body: str, code: int) -> None:
    with pytest.raises(GatewayRefused) as error:
        gateway.send(Text(1, to, body)).result()
    assert error.value.code == code


def test_a_sender_that_is_not_ours_is_refused(make_gateway: GatewayFactory) -> None:
    with pytest.raises(GatewayRefused) as error:
        make_gateway(from_number="+15550999999").send(TEXT).result()
    assert error.value.code == 21606


def test_a_wrong_token_is_refused(make_gateway: GatewayFactory) -> None:
    with pytest.raises(GatewayRefused) as error:
        make_gateway(auth_token="wrong").check()
    assert error.value.code == 20003


def test_a_refusal_without_a_code_has_the_http_status(gateway: TwilioGateway, standin: Standin) -> None:
    standin.fail_next(Fault(status=404, code=None), method="GET")
    with pytest.raises(GatewayRefused) as error:
        gateway.fetch("SM1")
    assert error.value.code == 404


def test_a_redirect_is_not_twilio(gateway: TwilioGateway, standin: Standin) -> None:
    standin.fail_next(Fault(status=302, headers={"Location": standin.url}))
    with pytest.raises(GatewayUnreachable):
        gateway.send(TEXT).result()
    assert len(standin.requests) == 1


@pytest.mark.parametrize("payload", [[], "SM1", None, {}, {"sid": None}, {"sid": 5, "date_sent": 7}])
def test_a_success_that_names_no_message_is_unknown(gateway: TwilioGateway, standin: Standin, payload: object) -> None:
    standin.fail_next(Fault(status=201, payload=payload))
    with pytest.raises(GatewayUnknown):
        gateway.send(TEXT).result()


def test_a_state_that_twilio_invents_is_only_accepted(gateway: TwilioGateway, standin: Standin) -> None:
    standin.fail_next(Fault(status=201, payload={"sid": "SM1", "status": "teleported"}))
    assert gateway.send(TEXT).result().status == "accepted"


def test_no_error_and_no_log_line_holds_the_number_the_body_or_the_token(
    make_gateway: GatewayFactory, standin: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateways = [make_gateway(), make_gateway(base_url=f"http://127.0.0.1:{closed_port()}")]
    seen = []
    for fault in (silence(), reset(), garbled(), half(), refusal(21211), busy(), server_error()):
        standin.fail_next(fault)
        standin.fail_next(fault, method="GET", times=2)  # a question on a connection that broke is asked once more
        for gateway in gateways:
            send = partial(lambda to: to.send(TEXT).result(), gateway)
            for act in (send, partial(gateway.sent_since, PATIENT, OLD)):
                with pytest.raises(GatewayError) as error:
                    act()
                seen.append("".join(traceback.format_exception(error.value)))
    for text in [*seen, caplog.text]:
        assert "7700900123" not in text
        assert "body of a text" not in text
        assert "token of the stand-in" not in text
