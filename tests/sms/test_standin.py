"""The stand-in does Twilio's part: it signs, calls back, keeps the opt-outs, rings, and fails when asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from monitor.errors import GatewayRefused
from monitor.sms.gateway import Call, Text
from monitor.sms.twilio_gateway import TwilioGateway
from tests.twilio_standin import Delivery, Signature, Standin
from tests.twilio_standin.standin import ACCOUNT_SID, AUTH_TOKEN, NUMBER, PREVIOUS_AUTH_TOKEN, SERVICE_SID

PATIENT = "+447700900123"
NURSE = "+447700900999"
PUBLIC_URL = "https://clinic.example"
SCRIPT = """<Response>
<Gather numDigits="1" action="/twilio/voice?message=9&amp;turn=2" actionOnEmptyResult="true">
<Say>Bleeding. Press 1 to take it.</Say></Gather></Response>"""


class App:
    """What listens at the public URL: it checks each signature and answers as it is told."""

    def __init__(self) -> None:
        self.gateway: TwilioGateway | None = None
        self.statuses: list[int] = []
        self.believed: list[tuple[str, Mapping[str, str]]] = []
        self.answer: Callable[[Mapping[str, str]], str] = lambda _: ""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        assert self.gateway is not None
        webhook = self.gateway.verify(url, body, headers.get("X-Twilio-Signature", ""))
        if webhook is None:
            return 403, ""
        if self.statuses:
            return self.statuses.pop(0), ""
        self.believed.append((url, webhook.params))
        return 200, self.answer(webhook.params) if "/twilio/voice" in url else ""

    def states(self) -> list[str]:
        return [params["MessageStatus"] for _, params in self.believed]


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def no_callbacks() -> None:
    """Here callbacks are what is looked at."""


@pytest.fixture
def standin(app: App) -> Iterator[Standin]:
    with Standin(public_url=PUBLIC_URL, post=app.post) as standin:
        app.gateway = make_gateway_for(standin)
        yield standin


def make_gateway_for(standin: Standin) -> TwilioGateway:
    return TwilioGateway(
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
        previous_auth_token=PREVIOUS_AUTH_TOKEN,
        from_number=NUMBER,
        base_url=standin.url,
        public_url=PUBLIC_URL,
    )


@pytest.fixture
def gateway(app: App, standin: Standin) -> TwilioGateway:
    assert app.gateway is not None
    return app.gateway


def test_a_delivered_text_calls_back_three_times(gateway: TwilioGateway, standin: Standin, app: App) -> None:
    sid = gateway.send(Text(7, PATIENT, "hello")).result().sid
    standin.settle()
    assert app.states() == ["queued", "sent", "delivered"]
    assert {(url, p["MessageSid"], p["To"]) for url, p in app.believed} == {
        (f"{PUBLIC_URL}/twilio/status?message=7", sid, PATIENT)
    }


@pytest.mark.parametrize(
    ("delivery", "states"),
    [
        (Delivery(ends="undelivered", error_code=30006), ["queued", "sent", "undelivered"]),
        (Delivery(times=2), ["queued", "queued", "sent", "sent", "delivered", "delivered"]),
        (Delivery(backwards=True), ["delivered", "sent", "queued"]),
        (Delivery(delay=0.05), ["queued", "sent", "delivered"]),
        (Delivery(calls_back=False), []),
        (Delivery(signed=Signature.PREVIOUS), ["queued", "sent", "delivered"]),
        (Delivery(signed=Signature.WRONG), []),
        (Delivery(signed=Signature.MISSING), []),
    ],
)
def test_callbacks_come_as_planned_and_for_one_text(
    gateway: TwilioGateway, standin: Standin, app: App, delivery: Delivery, states: list[str]
) -> None:
    standin.deliver_next(delivery, to=PATIENT)
    gateway.send(Text(1, NURSE, "to somebody else")).result()
    standin.settle()
    app.believed.clear()
    gateway.send(Text(7, PATIENT, "hello")).result()
    standin.settle()
    assert app.states() == states
    assert standin.sent_to(PATIENT)[0].status == delivery.ends
    if delivery.error_code:
        assert app.believed[-1][1]["ErrorCode"] == str(delivery.error_code)


def test_a_patients_text_reaches_the_app(standin: Standin, app: App) -> None:
    assert standin.patient_texts(PATIENT, "it hurts \x00 🦷 مرحبا", media=1) == 200
    [(url, params)] = app.believed
    assert url == f"{PUBLIC_URL}/twilio/inbound"
    assert (params["From"], params["To"], params["Body"]) == (PATIENT, NUMBER, "it hurts \x00 🦷 مرحبا")
    assert (params["NumMedia"], params["MediaContentType0"]) == ("1", "image/jpeg")
    assert params["MessageSid"] == standin.messages[0].sid


def test_a_webhook_that_fails_is_sent_once_more(standin: Standin, app: App) -> None:
    app.statuses = [503]
    assert standin.patient_texts(PATIENT, "it hurts") == 200
    app.statuses = [503, 500]
    assert standin.patient_texts(PATIENT, "it hurts") == 500
    assert standin.patient_texts(PATIENT, "it hurts", signed=Signature.WRONG) == 403


def test_stop_is_twilios_to_keep(gateway: TwilioGateway, standin: Standin, app: App) -> None:
    standin.patient_texts(PATIENT, " stop ")
    assert app.believed[-1][1]["OptOutType"] == "STOP"
    with pytest.raises(GatewayRefused) as refused:
        gateway.send(Text(1, PATIENT, "hello")).result()
    assert refused.value.code == 21610
    standin.patient_texts(PATIENT, "stop it please")
    standin.patient_texts(PATIENT, "HELP")
    assert PATIENT in standin.opted_out
    standin.patient_texts(PATIENT, "yes")
    assert gateway.send(Text(1, PATIENT, "hello")).result().sid
    standin.patient_texts(PATIENT, "yes")
    assert [m.direction for m in standin.messages].count("outbound-reply") == 3


def test_a_key_on_the_phone_reaches_the_app(gateway: TwilioGateway, standin: Standin, app: App) -> None:
    app.answer = lambda p: "<Response><Say>Thank you.</Say></Response>" if "Digits" in p else SCRIPT
    gateway.send(Call(9, NURSE, "spoken")).result()
    [call] = standin.calls
    call.answer()
    assert "Press 1" in call.heard
    call.press("1")
    url, params = next((u, p) for u, p in app.believed if "Digits" in p)
    assert (url, params["Digits"]) == (f"{PUBLIC_URL}/twilio/voice?message=9&turn=2", "1")
    assert call.heard.endswith("Thank you.")
    statuses = [p["CallStatus"] for url, p in app.believed if "/status" in url]
    assert statuses == ["initiated", "ringing", "in-progress", "completed"]


def test_a_voicemail_presses_nothing(gateway: TwilioGateway, standin: Standin, app: App) -> None:
    turns = iter([SCRIPT, "<Response><Redirect>/twilio/voice?message=9</Redirect></Response>", "<Response/>"])
    app.answer = lambda _: next(turns)
    gateway.send(Call(9, NURSE, "spoken")).result()
    standin.calls[0].voicemail()
    assert not any("Digits" in p for _, p in app.believed)
    assert standin.calls[0].record.status == "completed"


def test_nobody_answers(gateway: TwilioGateway, standin: Standin, app: App) -> None:
    gateway.send(Call(9, NURSE, "spoken")).result()
    standin.calls[0].no_answer()
    assert [p["CallStatus"] for _, p in app.believed] == ["initiated", "ringing", "no-answer"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"Body": "x", "From": NUMBER}, 21604),
        ({"To": PATIENT, "From": NUMBER}, 21602),
        ({"To": PATIENT, "Body": "x"}, 21603),
        ({"To": PATIENT, "Body": "x", "MessagingServiceSid": "MG2"}, 21701),
        ({"To": PATIENT, "Body": "x", "From": NUMBER, "StatusCallback": "ftp://x"}, 21609),
        ({"To": PATIENT, "Body": "x", "MessagingServiceSid": SERVICE_SID}, None),
    ],
)
def test_parameters_are_checked(standin: Standin, form: dict[str, str], code: int | None) -> None:
    from requests import post

    answer = post(
        f"{standin.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json",
        data=form,
        auth=(ACCOUNT_SID, AUTH_TOKEN),
        timeout=5,
    )
    assert answer.json().get("code") == code
    assert answer.status_code == (400 if code else 201)


def test_a_person_drives_it_by_hand(gateway: TwilioGateway, standin: Standin, app: App) -> None:
    app.answer = lambda p: SCRIPT if "Digits" not in p else ""
    assert ask(standin, "POST", "text", {"from": PATIENT, "body": "it hurts"}) == (
        200,
        {"webhook_status": 200},
    )
    assert ask(standin, "GET", "messages")[1][0]["body"] == "it hurts"
    assert ask(standin, "POST", "press", {"digits": "1"})[0] == 400
    gateway.send(Call(9, NURSE, "spoken")).result()
    assert ask(standin, "POST", "press", {"digits": "1"})[1]["status"] == "completed"
    assert ask(standin, "GET", "calls")[1][0]["heard"].startswith("Bleeding")
    assert ask(standin, "GET", "webhooks")[0] == 200
    assert ask(standin, "POST", "text", {"from": PATIENT})[0] == 400
    assert ask(standin, "GET", "nothing")[0] == 404


def ask(standin: Standin, method: str, path: str, payload: object = None) -> tuple[int, Any]:
    connection = HTTPConnection(urlsplit(standin.url).netloc, timeout=5)
    body = json.dumps(payload) if payload is not None else None
    connection.request(method, f"/_control/{path}", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found


def test_webhooks_travel_over_a_real_connection() -> None:
    """The one test in which the app has a socket of its own."""
    seen: list[tuple[str, bytes, str]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, body, self.headers["X-Twilio-Signature"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        public_url = f"http://127.0.0.1:{server.server_port}"
        with Standin(public_url=public_url) as standin:
            assert standin.patient_texts(PATIENT, "it hurts") == 204
            gateway = make_gateway_for(standin)
        server.shutdown()
        thread.join()
    [(path, body, signature)] = seen
    assert gateway.verify(public_url + path, body, signature) is not None
    with Standin(public_url=public_url) as standin:
        assert standin.patient_texts(PATIENT, "it hurts") == 0
