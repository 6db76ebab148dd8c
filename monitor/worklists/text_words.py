"""Texts of ours in words: what they are for, and where they are."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.domain.delivery import State
from monitor.domain.sending import Kind

WHAT: Mapping[Kind, str] = {
    Kind.PAGE: "Page",
    Kind.EMERGENCY: "Emergency advice",
    Kind.ANSWER: "Answer",
    Kind.NOTICE: "Notice",
    Kind.WELCOME: "First text",
    Kind.SAFETY: "Check on the morning after surgery",
    Kind.CHECKIN: "Check-in",
    Kind.NUDGE: "Reminder to answer",
    Kind.CARE: "Care advice",
    Kind.DIGEST: "Morning list",
    Kind.REMINDER: "Reminder",
}

WHERE: Mapping[State, str] = {
    State.PLANNED: "waits for its time",
    State.SENDING: "is being sent",
    State.UNKNOWN: "may have left: the texting service is being asked",
    State.SENT: "sent, arrival not reported yet",
    State.DELIVERED: "arrived",
    State.UNCONFIRMED: "sent, arrival never reported",
    State.UNDELIVERED: "did not arrive",
    State.FAILED: "could not be sent",
    State.SKIPPED: "left out",
    State.CANCELLED: "taken back",
    State.EXPIRED: "too late to be of use",
}

TO_BE_LEFT_OUT = "will be left out"
# What the default calendar's reminders are about; a step of a clinic's own is called as its key says.
ABOUT: Mapping[str, str] = {
    "stitches": "taking the stitches out",
    "stitches-flap": "taking the stitches out",
    "review": "review appointment",
    "crown": "the crown",
    "maintenance": "half-yearly check",
    "maintenance-xray": "yearly check with an X-ray",
}


def what_text(kind: str, once: str) -> str:
    """What a text is for; of one of the calendar which it is, too.

    >>> what_text("checkin", "plan:7:checkin-4"), what_text("reminder", "plan:7:maintenance-xray#2")
    ('Check-in of day 4', 'Reminder: yearly check with an X-ray')
    >>> what_text("answer", "answer:9"), what_text("care", "again:3"), what_text("safety", "plan:7:safety")
    ('Answer', 'Care advice, second try', 'Check on the morning after surgery')
    """
    words = WHAT[Kind(kind)] if kind in set(Kind) else kind
    if once.startswith("again:"):
        return f"{words}, second try"
    plan, _, planned = once.partition(":")
    step = planned.partition(":")[2].partition("#")[0] if plan == "plan" else ""
    day = step.partition("-")[2]
    if kind == Kind.CHECKIN and day.isdigit():
        return f"{words} of day {day}"
    return words if step in {kind, ""} else f"{words}: {ABOUT.get(step) or step.replace('-', ' ')}"
