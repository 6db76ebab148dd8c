"""What Twilio is asked for: the sender, the callbacks, and nothing about the patient in a URL."""

from __future__ import annotations

import subprocess
import sys

import pytest

from monitor.domain.delivery import ProviderStatus
from monitor.errors import BadInput, GatewayRefused
from monitor.sms.gateway import Call, Text
from monitor.sms.twilio_gateway import TwilioGateway
from tests.sms.conftest import PUBLIC_URL, GatewayFactory
from tests.twilio_standin import Standin
from tests.twilio_standin.standin import NUMBER, PAGE_NUMBER, SERVICE_SID

PATIENT = "+447700900123"
NURSE = "+447700900999"


def test_a_text_to_a_patient_leaves_from_our_number(gateway: TwilioGateway, standin: Standin) -> None:
    accepted = gateway.send(Text(7, PATIENT, "Good morning ñ 👋")).result()
    [message] = standin.messages
    assert (accepted.sid, accepted.status) == (message.sid, ProviderStatus.QUEUED)
    assert (message.to, message.from_, message.body) == (PATIENT, NUMBER, "Good morning ñ 👋")
    assert message.callback == f"{PUBLIC_URL}/twilio/status?message=7"


def test_the_messaging_service_sends_to_patients(make_gateway: GatewayFactory, standin: Standin) -> None:
    accepted = make_gateway(messaging_service_sid=SERVICE_SID).send(Text(1, PATIENT, "hello")).result()
    assert accepted.status == ProviderStatus.ACCEPTED
    form = standin.requests[-1].form
    assert form["MessagingServiceSid"] == SERVICE_SID
    assert "From" not in form


def test_a_page_leaves_from_the_page_number(make_gateway: GatewayFactory, standin: Standin) -> None:
    gateway = make_gateway(messaging_service_sid=SERVICE_SID, page_number=PAGE_NUMBER)
    gateway.send(Text(1, NURSE, "page", to_staff=True)).result()
    form = standin.requests[-1].form
    assert form["From"] == PAGE_NUMBER
    assert "MessagingServiceSid" not in form


def test_a_page_leaves_from_the_usual_sender_when_it_has_no_own(gateway: TwilioGateway, standin: Standin) -> None:
    gateway.send(Text(1, NURSE, "page", to_staff=True)).result()
    assert standin.messages[0].from_ == NUMBER


def test_a_call_asks_our_webhook_what_to_say(gateway: TwilioGateway, standin: Standin) -> None:
    accepted = gateway.send(Call(9, NURSE, "A patient bleeds heavily")).result()
    request = standin.requests[-1]
    assert accepted.sid == standin.calls[0].sid
    assert request.form["Url"] == f"{PUBLIC_URL}/twilio/voice?message=9"
    assert request.form["StatusCallback"] == f"{PUBLIC_URL}/twilio/status?message=9"
    assert request.events == ("initiated", "ringing", "answered", "completed")
    assert not {"MachineDetection", "AsyncAmd", "SendDigits", "Twiml"} & set(request.form)


def test_a_call_without_a_number_is_refused_with_a_code(make_gateway: GatewayFactory) -> None:
    silent = make_gateway(from_number=None, messaging_service_sid=SERVICE_SID)
    with pytest.raises(GatewayRefused) as refused:
        silent.send(Call(9, NURSE, "spoken")).result()
    assert refused.value.code == 21213


def test_no_url_holds_a_number_or_a_word_of_the_text(gateway: TwilioGateway, standin: Standin) -> None:
    gateway.send(Text(7, PATIENT, "pus and fever")).result()
    gateway.send(Call(9, NURSE, "pus and fever")).result()
    for request in standin.requests:
        urls = request.path + request.form.get("Url", "") + request.form["StatusCallback"]
        assert "pus" not in urls
        assert "7700900" not in urls
        assert "pus" not in request.form.get("Url", "")


def test_a_trailing_slash_of_the_public_url_does_no_harm(make_gateway: GatewayFactory, standin: Standin) -> None:
    make_gateway(public_url=f"{PUBLIC_URL}/").send(Text(7, PATIENT, "hello")).result()
    assert standin.messages[0].callback == f"{PUBLIC_URL}/twilio/status?message=7"


def test_a_gateway_without_a_sender_is_not_made(make_gateway: GatewayFactory) -> None:
    with pytest.raises(BadInput, match="TWILIO_FROM_NUMBER"):
        make_gateway(from_number=None)


def test_the_doctor_hears_of_a_trial_and_of_a_suspended_account(make_gateway: GatewayFactory, standin: Standin) -> None:
    gateway = make_gateway(from_number=None, messaging_service_sid=SERVICE_SID)
    assert gateway.check() == ("Twilio answers, account active; no number to ring from: set TWILIO_PAGE_NUMBER")
    standin.account.type = "Trial"
    assert "trial account" in gateway.check()
    standin.account.status = "suspended"
    with pytest.raises(GatewayRefused) as refused:
        gateway.check()
    assert refused.value.code == 30002


def test_importing_the_gateway_does_not_import_the_sdk() -> None:
    """The command line answers --help without paying for Twilio."""
    code = "import sys, monitor.sms.twilio_gateway; sys.exit(bool({'twilio', 'requests'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
