"""The stand-in's own paths, for trying a running installation by hand with curl.

POST /_control/text   {"from": "+44...", "body": "it hurts"}   a patient texts
POST /_control/press  {"sid": "CA...", "digits": "1"}          the latest call (or this one) is answered
GET  /_control/messages   /_control/calls   /_control/webhooks
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.twilio_standin.records import Request
from tests.twilio_standin.server import Reply

if TYPE_CHECKING:
    from tests.twilio_standin.standin import Standin


class Control:
    """What a person at the keyboard can do to the stand-in; needs no authentication, being on loopback."""

    def __init__(self, standin: Standin) -> None:
        self._standin = standin

    def answer(self, request: Request) -> Reply:
        try:
            return self._do(request)
        except (ValueError, KeyError, TypeError, StopIteration, AssertionError) as error:
            return Reply(400, {"error": f"{type(error).__name__}: {error}", "help": __doc__})

    def _do(self, request: Request) -> Reply:
        standin = self._standin
        match request.method, request.path.removeprefix("/_control/"):
            case "GET", "messages":
                return Reply(200, [m.as_json() for m in standin.messages])
            case "GET", "calls":
                return Reply(200, [c.record.as_json() | {"heard": c.heard} for c in standin.calls])
            case "GET", "webhooks":
                return Reply(200, [{"url": w.url, "status": w.status} for w in standin.webhooks])
            case "POST", "text":
                return self._text(json.loads(request.body))
            case "POST", "press":
                return self._press(json.loads(request.body))
        return Reply(404, {"help": __doc__})

    def _text(self, wanted: dict[str, Any]) -> Reply:
        status = self._standin.patient_texts(wanted["from"], wanted["body"], wanted.get("media", 0))
        return Reply(200, {"webhook_status": status})

    def _press(self, wanted: dict[str, Any]) -> Reply:
        calls = reversed(self._standin.calls)
        call = next(c for c in calls if wanted.get("sid") in (None, c.sid))
        call.press(str(wanted["digits"]))
        return Reply(200, {"status": call.record.status, "heard": call.heard})
