"""What the provider posts to us: verify, keep it as it came, commit, answer. Reading comes after.

A webhook without a right signature is a stranger's: refused, logged without its content, counted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from xml.sax.saxutils import escape

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import Counter

from monitor.bootstrap import App
from monitor.db import transaction
from monitor.errors import BadInput
from monitor.models import Message
from monitor.services.acknowledge import page_of_message, take_by_keypress
from monitor.services.receive import Arrival
from monitor.services.track import Report, track
from monitor.sms.gateway import Received

log = logging.getLogger(__name__)
router = APIRouter(prefix="/twilio")
REFUSED = Counter("monitor_webhooks_refused", "Webhooks without a right signature", ["path"])
RECEIVED = Counter("monitor_webhooks_received", "Webhooks accepted", ["path"])
MAX_BODY = 1_000_000
EMPTY = "<Response></Response>"
HANG_UP = "<Response><Hangup/></Response>"


@router.post("/inbound")
async def inbound(request: Request) -> Response:
    """A patient or member of staff wrote. Once this is answered, the text is safe with us."""
    app, params, raw = await _verified(request)
    await request.app.state.save_text(_arrival(params, raw, app.clock.now()))
    request.app.state.wake()
    for field in ("MessageSid", "From", "Body"):
        if _field(params, field) is None:
            # Twilio does not repeat what is answered 4xx, so this comes after the text is safe.
            raise BadInput(field, "nothing", "the fields of Twilio's webhook; the text is kept as it came")
    return _xml(EMPTY)


@router.post("/status")
async def status(request: Request) -> Response:
    """What became of a text or call of ours."""
    app, params, _ = await _verified(request)
    report = Report.read(params, _message_id(request), at=app.clock.now())
    if report.is_plain():
        await request.app.state.keep_report(report)
    else:  # it may touch an alert, a task, a patient: alone it holds up nobody else
        await run_in_threadpool(_track, app, report)
    request.app.state.wake()
    return Response(status_code=204)


@router.post("/voice")
async def voice(request: Request) -> Response:
    """A call was answered, or a key was pressed in it. Only a key takes the alert."""
    app, params, _ = await _verified(request)
    said = await run_in_threadpool(_speak, app, params, _message_id(request), str(request.url.query))
    request.app.state.wake()
    return _xml(said)


async def _verified(request: Request) -> tuple[App, Mapping[str, str], bytes]:
    app: App = request.app.state.monitor
    raw = await _body(request)
    path = request.url.path
    query = f"?{request.url.query}" if request.url.query else ""
    url = app.settings.public_url.rstrip("/") + path + query
    webhook = app.gateway.verify(url, raw, request.headers.get("X-Twilio-Signature", ""))
    if webhook is None:
        REFUSED.labels(path).inc()
        log.warning("refused a webhook with a wrong signature at %s", path)
        raise HTTPException(403, "the signature does not match this URL and body")
    RECEIVED.labels(path).inc()
    return app, webhook.params, raw


async def _body(request: Request) -> bytes:
    """The request's body, given up on once it is larger than any real webhook."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise HTTPException(413, f"found more than {MAX_BODY} bytes; a webhook is smaller")
        parts.append(part)
    return b"".join(parts)


def _arrival(params: Mapping[str, str], raw: bytes, now: datetime) -> Arrival:
    received = Received(
        # A text without an id has its own bytes for one, so that it is kept, and kept once.
        sid=_field(params, "MessageSid") or f"raw:{sha256(raw).hexdigest()[:56]}",
        from_=params.get("From", ""),
        to=params.get("To", ""),
        body=params.get("Body", ""),
        media=_count(params.get("NumMedia", "0")),
        received_at=now,
    )
    return Arrival(received, raw, now)


def _field(params: Mapping[str, str], name: str) -> str | None:
    """A field of a text's webhook; its id has two older names. An empty Body is a photo alone."""
    if name == "MessageSid":
        return params.get(name) or params.get("SmsSid") or params.get("SmsMessageSid") or None
    return params.get(name) if name == "Body" else params.get(name) or None


def _track(app: App, report: Report) -> None:
    with transaction(app.sessions) as session:
        track(session, report.params, message_id=report.message_id, now=report.at)


def _speak(app: App, params: Mapping[str, str], message_id: int | None, query: str) -> str:
    with transaction(app.sessions) as session:
        if message_id is None or page_of_message(session, message_id) is None:
            return HANG_UP
        if params.get("Digits"):
            said = take_by_keypress(session, message_id, now=app.clock.now())
            return f"<Response><Say>{escape(said)}</Say></Response>" if said else HANG_UP
        spoken = escape(session.get_one(Message, message_id).body or "")
    action = escape(f"{app.settings.public_url.rstrip('/')}/twilio/voice?{query}", {'"': "&quot;"})
    gather = f'<Gather numDigits="1" timeout="8" action="{action}" method="POST"><Say>{spoken}</Say></Gather>'
    return f"<Response>{gather}{gather}</Response>"


def _message_id(request: Request) -> int | None:
    text = request.query_params.get("message", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _xml(body: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{body}', media_type="text/xml")
