"""A stand-in for Twilio: a real HTTP server that the real SDK talks to, and that calls back as Twilio does.

    with Standin(public_url="http://127.0.0.1:8000") as standin:
        gateway = TwilioGateway(base_url=standin.url, ...)
        standin.patient_texts("+447700900123", "it hurts")

By itself it takes every text, delivers it, and says so to the StatusCallback. What shall go wrong is asked
for: `standin.fail_next(busy(retry_after=7))`, or of a text that was taken
`standin.deliver_next(Delivery(ends="undelivered", error_code=30003))`.
"""

from tests.twilio_standin.carrier import Call, Delivery
from tests.twilio_standin.faults import Fault, busy, garbled, half, refusal, reset, server_error, silence
from tests.twilio_standin.records import Message, Request, WebhookCall
from tests.twilio_standin.standin import Standin
from tests.twilio_standin.webhooks import Signature

__all__ = [
    "Call",
    "Delivery",
    "Fault",
    "Message",
    "Request",
    "Signature",
    "Standin",
    "WebhookCall",
    "busy",
    "garbled",
    "half",
    "refusal",
    "reset",
    "server_error",
    "silence",
]
