"""Webhooks: strangers are refused, and no signed text is ever lost, whatever is wrong with it."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from sqlalchemy import event, select

from monitor.bootstrap import App
from monitor.db import transaction
from monitor.models import Callback, Inbound, Message
from monitor.scheduler import Ticks
from tests.web.caller import PREVIOUS, TEXT, Web

PATHS = ("/twilio/inbound", "/twilio/status", "/twilio/voice")
STATUS = {"MessageSid": "SM" + "2" * 32, "MessageStatus": "delivered", "To": "+12025550101"}


def kept(app: App) -> list[Inbound]:
    with transaction(app.sessions) as session:
        return list(session.scalars(select(Inbound).order_by(Inbound.id)))


def callbacks(app: App) -> list[Callback]:
    with transaction(app.sessions) as session:
        return list(session.scalars(select(Callback).order_by(Callback.id)))


# --- who may speak -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "", "a stale token"], ids=["unsigned", "empty token", "stale token"])
def test_a_stranger_is_refused_logged_without_content_and_counted(
    path: str, token: str | None, web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    before = web.metric("monitor_webhooks_refused_total", path=path)
    with caplog.at_level(logging.DEBUG):
        answer = web.post(path, TEXT, token=token)
    assert answer.status_code == 403
    assert kept(web.app) == []
    assert web.woken == 0
    assert web.metric("monitor_webhooks_refused_total", path=path) == before + 1
    assert f"refused a webhook with a wrong signature at {path}" in caplog.text
    for secret in ("it hurts", "it+hurts", "12025550101", TEXT["MessageSid"]):
        assert secret not in caplog.text


def test_a_signature_for_another_body_or_path_is_none(web: Web) -> None:
    changed = {**TEXT, "Body": "all fine"}
    assert web.post_raw("/twilio/inbound", b"Body=pus", changed).status_code == 403
    for signature in (b"x", b"\xe9\xff", b"=" * 4000):
        answer = web.client.post("/twilio/inbound", data=TEXT, headers=[(b"X-Twilio-Signature", signature)])
        assert answer.status_code == 403


def test_the_token_before_is_still_accepted(web: Web) -> None:
    assert web.post("/twilio/inbound", TEXT, token=PREVIOUS).status_code == 200
    assert len(kept(web.app)) == 1


@pytest.mark.parametrize("path", PATHS)
def test_only_post_is_answered(path: str, web: Web) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert web.client.request(method, path).status_code == 405


def test_on_the_built_in_phones_every_webhook_is_a_strangers(app: App) -> None:
    assert Web(app).post("/twilio/inbound", TEXT).status_code == 403


# --- texts ---------------------------------------------------------------------------------------


def test_a_text_is_saved_as_it_came_and_the_worker_is_woken(web: Web) -> None:
    answer = web.post("/twilio/inbound", TEXT)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert answer.text.endswith("<Response></Response>")
    (text,) = kept(web.app)
    assert (text.sid, text.from_number, text.body, text.handled_at) == (
        TEXT["MessageSid"],
        "+12025550101",
        "it hurts",
        None,
    )
    assert text.raw is not None
    assert b"Body=it+hurts" in text.raw
    assert web.woken == 1


def test_the_same_text_again_is_one_text(web: Web) -> None:
    for _ in range(3):
        assert web.post("/twilio/inbound", TEXT).status_code == 200
    assert len(kept(web.app)) == 1


@pytest.mark.parametrize(
    "body",
    [
        "x" * 1600,
        "\U0001f622" * 40,
        "a\x00b",
        "\u202eflah retteb\u202c",
        "יש לי חום ומוגלה",
        "1+1=2&Body=other%00",
        "<script>alert(1)</script>\r\n{{7*7}}",
        "\ufeff\u200b",
        "",
    ],
    ids=["long", "emoji", "nul", "override", "hebrew", "form", "markup", "invisible", "empty"],
)
def test_any_body_is_kept_and_read(body: str, web: Web) -> None:
    assert web.post("/twilio/inbound", {**TEXT, "Body": body}).status_code == 200
    (text,) = kept(web.app)
    assert text.body == body.replace("\x00", "\ufffd")
    Ticks(web.app).urgent()
    (text,) = kept(web.app)
    assert text.handled_at is not None
    assert text.result == "unknown_number"


def test_a_body_that_is_no_utf8_is_kept_and_read(web: Web) -> None:
    form = "&".join(f"{name}={quote_plus(value)}" for name, value in TEXT.items() if name != "Body")
    answer = web.post_raw("/twilio/inbound", f"{form}&Body=pus+caf".encode() + b"%E9", {**TEXT, "Body": "pus café"})
    assert answer.status_code == 200
    (text,) = kept(web.app)
    assert text.body == "pus café"


def test_a_photo_alone_is_kept(web: Web) -> None:
    assert web.post("/twilio/inbound", {**TEXT, "Body": "", "NumMedia": "2"}).status_code == 200
    assert [(text.body, text.media) for text in kept(web.app)] == [("", 2)]


@pytest.mark.parametrize("count", ["-1", "many", "²", "9" * 30, ""])
def test_a_strange_number_of_photos_counts_as_none(count: str, web: Web) -> None:
    assert web.post("/twilio/inbound", {**TEXT, "NumMedia": count}).status_code == 200
    assert [text.media for text in kept(web.app)] == [0]


@pytest.mark.parametrize("field", ["MessageSid", "From", "Body"])
def test_a_text_with_a_missing_field_is_kept_before_it_is_answered_422(field: str, web: Web) -> None:
    """Twilio notes a 4xx as an error and does not send the text again, so it must be safe by then."""
    rest = {
        name: value for name, value in TEXT.items() if name not in {field, "SmsSid" if field == "MessageSid" else ""}
    }
    for _ in range(2):  # the fallback address is the same one
        answer = web.post("/twilio/inbound", rest)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(f"{field}: found 'nothing'; allowed: ")
    (text,) = kept(web.app)
    assert text.body == ("" if field == "Body" else "it hurts")
    assert web.woken == 2
    Ticks(web.app).urgent()
    (text,) = kept(web.app)
    assert text.result == "unknown_number"


def test_a_text_without_sender_or_id_that_tells_of_pus_still_raises_an_alert(web: Web) -> None:
    assert web.post("/twilio/inbound", {"Body": "there is pus"}).status_code == 422
    Ticks(web.app).urgent()
    with transaction(web.app.sessions) as session:
        assert [text.result for text in session.scalars(select(Inbound))] == ["unknown_number"]
    assert web.metric("monitor_alerts", band="urgent", state="open") == 1


def test_two_megabytes_are_no_webhook(web: Web) -> None:
    answer = web.post("/twilio/inbound", {**TEXT, "Body": "x" * 2_000_000})
    assert answer.status_code == 413
    assert kept(web.app) == []


def test_a_thousand_fields_are_no_webhook(web: Web) -> None:
    many = {**TEXT, **{f"Field{n}": "x" for n in range(1200)}}
    assert web.post("/twilio/inbound", many).status_code == 403


# --- a database that cannot work now -------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("path", "params"), [("/twilio/inbound", TEXT), ("/twilio/status", STATUS)])
def test_a_locked_database_asks_twilio_to_come_again(
    path: str, params: dict[str, str], web: Web, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "monitor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert web.post(path, params).status_code == 503
    other.close()
    assert web.post(path, params).status_code in {200, 204}
    assert len(kept(web.app)) + len(callbacks(web.app)) == 1


def test_a_full_disk_asks_twilio_to_come_again(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    def fill(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # SQLite takes the present size for the least

    event.listen(web.app.engine, "checkout", fill)
    answer = web.post("/twilio/inbound", {**TEXT, "Body": "Ann Carter " * 20_000})
    assert answer.status_code == 503
    assert "full" in answer.json()["detail"]
    event.remove(web.app.engine, "checkout", fill)
    with transaction(web.app.sessions) as session:
        session.connection().exec_driver_sql("PRAGMA max_page_count=100000")
    assert kept(web.app) == []
    assert web.post("/twilio/inbound", TEXT).status_code == 200
    assert "Ann Carter" not in caplog.text


def test_a_dead_database_asks_twilio_to_come_again(web: Web, tmp_path: Path) -> None:
    web.app.engine.dispose()
    (tmp_path / "monitor.db").rename(tmp_path / "elsewhere.db")
    (tmp_path / "monitor.db").mkdir()
    assert web.post("/twilio/inbound", TEXT).status_code == 503


# --- what became of a text -----------------------------------------------------------------------


def test_a_callback_for_an_unknown_message_is_kept(web: Web) -> None:
    for url in ("/twilio/status", "/twilio/status?message=77", "/twilio/status?message=99999999999999999999"):
        assert web.post(url, STATUS).status_code == 204
    assert [(row.message_id, row.status, row.applied) for row in callbacks(web.app)] == [(None, "delivered", False)] * 3


def test_a_callback_moves_its_text_once(web: Web) -> None:
    with transaction(web.app.sessions) as session:
        now = web.app.clock.now()
        text = Message(
            once="test", clinic_id=1, kind="answer", to_number="+12025550101", body="hello", priority=1, due_at=now
        )
        text.created_at, text.state, text.sid, text.attempts = now, "sent", STATUS["MessageSid"], 1
        text.claimed_at = text.sent_at = now
        session.add(text)
    url = "/twilio/status?message=1"
    for _ in range(2):
        assert web.post(url, STATUS).status_code == 204
    assert web.post(url, {**STATUS, "MessageStatus": "sent"}).status_code == 204
    assert [row.applied for row in callbacks(web.app)] == [True, False, False]
    with transaction(web.app.sessions) as session:
        assert session.get_one(Message, 1).state == "delivered"


@pytest.mark.parametrize("field", ["MessageSid", "MessageStatus"])
def test_a_callback_with_a_missing_field_is_told_which(field: str, web: Web) -> None:
    answer = web.post("/twilio/status", {name: value for name, value in STATUS.items() if name != field})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{field}: found 'nothing'")


@pytest.mark.parametrize("status", ["teleported", "", "DELIVERED", "x" * 500])
def test_a_status_nobody_knows_changes_nothing(status: str, web: Web) -> None:
    answer = web.post("/twilio/status", {**STATUS, "MessageStatus": status})
    assert answer.status_code == (204 if status else 422)


@pytest.mark.parametrize("query", ["", "?message=1", "?message=77", "?message=x", "?message=%00"])
def test_a_call_that_is_about_nothing_is_hung_up(query: str, web: Web) -> None:
    answer = web.post(f"/twilio/voice{query}", {"CallSid": "CA1", "CallStatus": "in-progress", "Digits": "1"})
    assert (answer.status_code, answer.text.endswith("<Response><Hangup/></Response>")) == (200, True)
