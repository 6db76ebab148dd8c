"""Whose webhooks are believed: those that Twilio signed, whatever a patient wrote into them."""

from __future__ import annotations

from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from monitor.sms.gateway import Webhook
from monitor.sms.twilio_gateway import TwilioGateway

TOKEN, OLD_TOKEN = "token", "old token"
URL = "https://clinic.example/twilio/status?message=7"
GATEWAY = TwilioGateway(
    account_sid="AC1",
    auth_token=TOKEN,
    previous_auth_token=OLD_TOKEN,
    from_number="+15550100001",
    public_url="https://clinic.example",
)


def sign(params: object, *, url: str = URL, token: str = TOKEN) -> str:
    return str(RequestValidator(token).compute_signature(url, params))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "it hurts",
        "🦷😭 боль",
        "مرحبا \u202e\u200f",
        "nul \x00 here",
        "a" * 1600,
        "100% & = + ; ?",
        "\r\n \t",
        "é" * 500,
    ],
)
def test_a_signed_text_is_believed_and_read(text: str) -> None:
    params = {"Body": text, "From": "+447700900123", "MediaUrl0": ""}
    webhook = GATEWAY.verify(URL, urlencode(params).encode(), sign(params))
    assert webhook == Webhook(params)


@settings(deadline=None)  # the first example pays for the import of the SDK
@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))))
def test_any_form_that_is_signed_is_believed(params: dict[str, str]) -> None:
    assert GATEWAY.verify(URL, urlencode(params).encode(), sign(params)) == Webhook(params)


@settings(deadline=None)
@given(st.binary(max_size=300), st.text(max_size=40), st.text(max_size=60))
def test_no_body_url_or_signature_makes_it_fail(body: bytes, signature: str, query: str) -> None:
    assert GATEWAY.verify(f"https://clinic.example/twilio/inbound?{query}", body, signature) is None


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252"])
@pytest.mark.parametrize("text", ["café mañana", "ÿþ naïve"])
@pytest.mark.parametrize("raw", [True, False])
def test_a_body_in_another_encoding_is_believed(encoding: str, text: str, raw: bool) -> None:
    signature = sign({"Body": text})
    value = text.encode(encoding).replace(b" ", b"+") if raw else quote_plus(text, encoding=encoding).encode()
    webhook = GATEWAY.verify(URL, b"Body=" + value, signature)
    assert webhook is not None
    assert webhook.params["Body"] == text


def test_a_quotation_mark_of_windows_is_believed() -> None:
    webhook = GATEWAY.verify(URL, b"Body=it%92s", sign({"Body": "it’s"}))
    assert webhook is not None


def test_bytes_that_fit_no_encoding_are_read_with_a_mark() -> None:
    webhook = GATEWAY.verify(URL, b"Body=%F0%9F%98", sign({"Body": "\ufffd"}))
    assert webhook is not None


def test_all_values_of_a_repeated_key_are_signed() -> None:
    class Repeated(dict[str, list[str]]):
        def getlist(self, key: str) -> list[str]:
            return self[key]

    signature = sign(Repeated(Body=["one", "two"]))
    assert GATEWAY.verify(URL, b"Body=one&Body=two", signature) == Webhook({"Body": "one"})
    assert GATEWAY.verify(URL, b"Body=one&Body=three", signature) is None


def test_the_token_before_is_still_believed_and_no_other() -> None:
    params = {"Body": "x"}
    assert GATEWAY.verify(URL, b"Body=x", sign(params, token=OLD_TOKEN)) is not None
    assert GATEWAY.verify(URL, b"Body=x", sign(params, token="another")) is None


@pytest.mark.parametrize("previous", [None, ""])
def test_an_empty_token_signs_nothing(previous: str | None) -> None:
    gateway = TwilioGateway(
        account_sid="AC1",
        auth_token="",
        previous_auth_token=previous,
        from_number="+1",
        public_url="https://x",
    )
    assert gateway.verify(URL, b"Body=x", sign({"Body": "x"}, token="")) is None


@pytest.mark.parametrize("signature", ["", " ", "=", "é", "A" * 28, "\x00"])
def test_no_signature_and_a_wrong_one_are_refused(signature: str) -> None:
    assert GATEWAY.verify(URL, b"Body=x", signature) is None


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (URL.replace("message=7", "message=8"), b"Body=x"),
        (URL.replace("clinic", "other"), b"Body=x"),
        (URL, b"Body=y"),
        (URL, b"Body=x&From=1"),
        (URL, b""),
    ],
)
def test_a_change_of_url_or_body_is_noticed(url: str, body: bytes) -> None:
    assert GATEWAY.verify(url, body, sign({"Body": "x"})) is None


def test_the_port_may_be_written_or_not() -> None:
    params = {"Body": "x"}
    with_port = URL.replace("example/", "example:443/")
    assert GATEWAY.verify(with_port, b"Body=x", sign(params)) is not None
    assert GATEWAY.verify(URL, b"Body=x", sign(params, url=with_port)) is not None


def test_an_empty_form_may_be_signed() -> None:
    assert GATEWAY.verify(URL, b"", sign({})) == Webhook({})


@pytest.mark.parametrize("body", [b'{"a": "b"}', b"\xff\xfe", b"%", b"%ZZ=%", b"=", b"&&&", b"\x00" * 50, b"a=b=c"])
def test_what_is_no_form_is_refused_quietly(body: bytes) -> None:
    assert GATEWAY.verify(URL, body, sign({"Body": "x"})) is None


@pytest.mark.parametrize("body", [b"Body=" + b"x" * 1_000_000, b"Body=" + b"%ff" * 333_333, b"&" * 1_000_000])
def test_a_megabyte_does_no_harm(body: bytes) -> None:
    assert GATEWAY.verify(URL, body, "wrong") is None


def test_a_signed_megabyte_is_believed() -> None:
    params = {"Body": "x" * 1_000_000}
    assert GATEWAY.verify(URL, urlencode(params).encode(), sign(params)) == Webhook(params)


def test_more_fields_than_any_form_has_are_refused() -> None:
    params = {str(n): "" for n in range(1001)}
    assert GATEWAY.verify(URL, urlencode(params).encode(), sign(params)) is None
