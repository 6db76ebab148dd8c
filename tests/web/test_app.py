"""What is served at all, and what an unforeseen error shows."""

from __future__ import annotations

import logging

import pytest

from monitor.bootstrap import App
from tests.web.caller import TEXT, Web


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/patients", "/docs", "/redoc", "/openapi.json", "/twilio"])
def test_what_there_is_no_sign_in_for_is_not_there(path: str, web: Web, app: App) -> None:
    assert web.client.get(path).status_code == 404
    assert Web(app).client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/phones", "/phones/screens"])
def test_with_twilio_there_are_no_phones(path: str, web: Web) -> None:
    assert web.client.get(path).status_code == 404
    assert web.client.post("/phones/text", data={"phone": "+12025550101", "body": "x"}).status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_is_read_and_nothing_else(path: str, web: Web) -> None:
    assert web.client.post(path).status_code == 405


def test_an_unforeseen_error_is_500_and_its_words_stay_out_of_the_log(
    web: Web, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Ann Carter +12025550101 says it hurts")

    monkeypatch.setattr("monitor.services.receive.storable", fail)
    with caplog.at_level(logging.DEBUG):
        answer = web.post("/twilio/inbound", TEXT)
    assert answer.status_code == 500  # which Twilio tries again at the fallback address
    assert "RuntimeError in receive.py:" in caplog.text
    for secret in ("Ann", "Carter", "2025550101", "hurts"):
        assert secret not in caplog.text + answer.text
