"""The states of a text, the moves between them, and what each provider error means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class State(StrEnum):
    """Where a text is. A text ends in one of the last seven, never in silence."""

    PLANNED = "planned"
    SENDING = "sending"  # claimed by a worker; the call to the provider may be under way
    UNKNOWN = "unknown"  # the answer was lost: reconcile asks the provider
    SENT = "sent"  # the provider took it
    DELIVERED = "delivered"
    UNCONFIRMED = "unconfirmed"  # sent; the provider was asked and never learned more
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


FINAL = frozenset(
    {
        State.DELIVERED,
        State.UNCONFIRMED,
        State.UNDELIVERED,
        State.FAILED,
        State.SKIPPED,
        State.CANCELLED,
        State.EXPIRED,
    }
)

NOT_SHOWN = frozenset({State.UNDELIVERED, State.FAILED})  # the provider says so of that phone
LOST = NOT_SHOWN | {State.EXPIRED}  # was to arrive and did not
LEFT_OUT = LOST | {State.SKIPPED}
LEFT = (State.SENDING, State.UNKNOWN, State.SENT, State.DELIVERED, State.UNCONFIRMED)  # as far as anybody knows
NOT_GONE = (State.PLANNED, State.SENDING, State.UNKNOWN)  # for certain

# Callbacks come twice, late and out of order; only these moves are made. `delivered` is last and wins:
# a phone that showed the text has shown it, whatever else is said later.
MOVES: Mapping[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.SENDING, State.SKIPPED, State.CANCELLED, State.EXPIRED, State.FAILED}),
    State.SENDING: frozenset(
        {State.PLANNED, State.UNKNOWN, State.SENT, State.DELIVERED, State.UNDELIVERED, State.FAILED}
    ),
    State.UNKNOWN: frozenset(
        {State.PLANNED, State.SENT, State.DELIVERED, State.UNCONFIRMED, State.UNDELIVERED, State.FAILED}
    ),
    State.SENT: frozenset({State.DELIVERED, State.UNCONFIRMED, State.UNDELIVERED, State.FAILED}),
    State.UNCONFIRMED: frozenset({State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    State.UNDELIVERED: frozenset({State.DELIVERED}),
    State.FAILED: frozenset({State.DELIVERED}),
    State.DELIVERED: frozenset(),
    State.SKIPPED: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
}


def may_move(old: State, new: State) -> bool:
    """Whether a text in state `old` may become `new`.

    >>> may_move(State.DELIVERED, State.SENT), may_move(State.UNDELIVERED, State.DELIVERED)
    (False, True)
    """
    return new in MOVES[old]


class ProviderStatus(StrEnum):
    """The states Twilio reports of a message or call."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    # calls
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"


STATE_OF: Mapping[ProviderStatus, State] = {
    ProviderStatus.ACCEPTED: State.SENT,
    ProviderStatus.SCHEDULED: State.SENT,
    ProviderStatus.QUEUED: State.SENT,
    ProviderStatus.SENDING: State.SENT,
    ProviderStatus.SENT: State.SENT,
    ProviderStatus.DELIVERED: State.DELIVERED,
    ProviderStatus.READ: State.DELIVERED,
    ProviderStatus.UNDELIVERED: State.UNDELIVERED,
    ProviderStatus.FAILED: State.FAILED,
    ProviderStatus.CANCELED: State.FAILED,
    ProviderStatus.INITIATED: State.SENT,
    ProviderStatus.RINGING: State.SENT,
    ProviderStatus.IN_PROGRESS: State.SENT,
    ProviderStatus.COMPLETED: State.DELIVERED,
    ProviderStatus.BUSY: State.UNDELIVERED,
    ProviderStatus.NO_ANSWER: State.UNDELIVERED,
}


class Remedy(StrEnum):
    """What to do about a provider's error code."""

    RETRY = "retry"
    OPT_OUT = "opt_out"
    BAD_NUMBER = "bad_number"
    ACCOUNT = "account"  # our own account: no text of ours is at fault; keep trying, tell staff now
    STOP = "stop"  # this text will never go as it is: give up, tell staff


REMEDIES: Mapping[int, Remedy] = {
    20003: Remedy.ACCOUNT,
    20005: Remedy.ACCOUNT,
    20404: Remedy.ACCOUNT,
    20429: Remedy.RETRY,
    21211: Remedy.BAD_NUMBER,
    21212: Remedy.ACCOUNT,
    21408: Remedy.STOP,
    21606: Remedy.ACCOUNT,
    21608: Remedy.STOP,
    21610: Remedy.OPT_OUT,
    21611: Remedy.RETRY,
    21612: Remedy.BAD_NUMBER,
    21614: Remedy.BAD_NUMBER,
    21617: Remedy.STOP,  # ours to mend
    30001: Remedy.RETRY,
    30002: Remedy.ACCOUNT,
    30003: Remedy.RETRY,
    30004: Remedy.BAD_NUMBER,
    30005: Remedy.BAD_NUMBER,
    30006: Remedy.BAD_NUMBER,
    30007: Remedy.STOP,  # a person must look
    30008: Remedy.RETRY,
    30034: Remedy.STOP,
}

# The same codes as staff read them.
MEANINGS: Mapping[int, str] = {
    20003: "our sign-in at the texting service was refused",
    20005: "our account at the texting service is not active",
    20404: "the texting service does not know our account or number",
    20429: "too many requests at once",
    21211: "not a number that exists",
    21212: "our own sending number is not valid",
    21408: "our account may not text that country",
    21606: "our own sending number cannot send texts",
    21608: "a trial account may only text numbers that it has verified",
    21610: "they have opted out of our texts",
    21611: "our queue at the texting service was full",
    21612: "this number cannot be reached from ours",
    21614: "not a mobile number",
    21617: "the text is too long",
    30001: "too many texts waited at the texting service",
    30002: "our account at the texting service is suspended",
    30003: "the phone is off or out of reach",
    30004: "they have blocked our number",
    30005: "the carrier does not know this number",
    30006: "a landline, or a phone that takes no texts",
    30007: "a carrier took it for spam",
    30008: "the carrier does not say why",
    30034: "our sending number is not registered with the carriers",
}

MAX_ATTEMPTS = 6
BACK_OFF = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `wait`, or not at all (None: attempts are used up)."""

    wait: timedelta | None


def next_retry(attempts: int, retry_after: float | None = None) -> Retry:
    """When to try again after so many attempts; the provider's own wish counts if it is longer.

    >>> next_retry(1).wait, next_retry(MAX_ATTEMPTS).wait
    (datetime.timedelta(seconds=10), None)
    """
    if attempts >= MAX_ATTEMPTS:
        return Retry(None)
    wait = BACK_OFF[min(max(attempts, 1), len(BACK_OFF)) - 1]
    asked = timedelta(seconds=min(retry_after or 0, 3600))
    return Retry(max(wait, asked))


def remedy_for(code: int | None) -> Remedy:
    """What a code asks for; an unknown code is retried, and staff are told when attempts run out.

    >>> remedy_for(21610), remedy_for(99999)
    (<Remedy.OPT_OUT: 'opt_out'>, <Remedy.RETRY: 'retry'>)
    """
    return REMEDIES.get(code or 0, Remedy.RETRY)


def meaning_of(code: int | None) -> str:
    """What a provider's code says, in words; of none that we know the number alone.

    >>> meaning_of(30006), meaning_of(99999), meaning_of(None)
    ('a landline, or a phone that takes no texts', 'error 99999 of the texting service', '')
    """
    if code is None:
        return ""
    return MEANINGS.get(code, f"error {code} of the texting service")
