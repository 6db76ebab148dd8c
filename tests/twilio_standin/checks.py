"""What Twilio refuses, with its codes. The order is the order in which it looks."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

E164 = re.compile(r"\+[1-9]\d{6,14}")
CALL_EVENTS = {"initiated", "ringing", "answered", "completed"}


@dataclass(frozen=True)
class Refusal:
    code: int | None
    message: str
    status: int = 400


def check_message(
    form: Mapping[str, str], *, numbers: Collection[str], service_sid: str | None, opted_out: Collection[str]
) -> Refusal | None:
    to, body = form.get("To", ""), form.get("Body", "")
    if not to:
        return Refusal(21604, "A 'To' phone number is required.")
    if not body:
        return Refusal(21602, "Message body is required.")
    if len(body) > 1600:
        return Refusal(21617, "The concatenated message body exceeds the 1600 character limit.")
    if not E164.fullmatch(to):
        return Refusal(21211, f"Invalid 'To' Phone Number: {to}")
    if to in opted_out:
        return Refusal(21610, "Attempt to send to unsubscribed recipient")
    return _check_sender(form, numbers, service_sid) or _check_callback(form)


def check_call(form: Mapping[str, str], events: Collection[str], *, numbers: Collection[str]) -> Refusal | None:
    to, from_ = form.get("To", ""), form.get("From", "")
    if not to:
        return Refusal(21201, "No 'To' number specified")
    if not from_:
        return Refusal(21213, "Caller phone number required")
    if not E164.fullmatch(to):
        return Refusal(21211, f"Invalid 'To' Phone Number: {to}")
    if from_ not in numbers:
        return Refusal(21210, f"'From' phone number not verified: {from_}")
    if not _is_web_address(form.get("Url", "")):
        return Refusal(21205, "Invalid URL")
    if not set(events) <= CALL_EVENTS:
        return Refusal(21626, "Invalid statusCallbackEvent")
    return _check_callback(form)


def _check_sender(form: Mapping[str, str], numbers: Collection[str], service_sid: str | None) -> Refusal | None:
    from_, service = form.get("From"), form.get("MessagingServiceSid")
    if not from_ and not service:
        return Refusal(21603, "A 'From' phone number is required.")
    if service and service != service_sid:
        return Refusal(21701, "The Messaging Service does not exist.")
    if from_ and from_ not in numbers:
        return Refusal(21606, f"The 'From' phone number {from_} cannot send messages to this destination.")
    return None


def _check_callback(form: Mapping[str, str]) -> Refusal | None:
    callback = form.get("StatusCallback")
    if callback and not _is_web_address(callback):
        return Refusal(21609, f"Invalid 'StatusCallback' URL: {callback}")
    return None


def _is_web_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in (parts.hostname or "")
