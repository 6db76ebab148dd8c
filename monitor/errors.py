"""Every error this project raises, in one tree.

MonitorError                     what a caller may catch
├── BadInput                     the sender's mistake: which field, what was found, what is allowed
│   ├── ProtocolError            a seed file that contradicts itself or the others
│   ├── NotFound                 no such patient, clinic, alert ...
│   └── Stale                    somebody else acted first, and what was seen is no longer so
├── Denied                       whoever asks may not do this
│   ├── SignedOut                nobody is signed in, or not any more
│   └── TooManyTries             failed tries to sign in: not before a while has passed
├── NotReady                     the installation: no `monitor init`, database unreachable, read-only, full
└── GatewayError                 the SMS provider
    ├── GatewayRefused           it answered: this will not work (with its code)
    ├── GatewayBusy              it answered: not now (429, 5xx), try later
    ├── GatewayUnreachable       it was never reached: nothing was sent, try later
    └── GatewayUnknown           the answer was lost: it may or may not have been sent
"""

from __future__ import annotations

SHOWN = 200  # how much of a value that was refused is worth reading


class MonitorError(Exception):
    """Something the program knows how to explain."""

    status = 500


class BadInput(MonitorError):
    """A value that cannot be used, with the field, what was found and what is allowed.

    >>> str(BadInput("phone", "12", "a mobile number with its country code, such as +1 202 555 0123"))
    "phone: found '12'; allowed: a mobile number with its country code, such as +1 202 555 0123"
    """

    status = 422

    def __init__(self, field: str, found: object, allowed: str) -> None:
        self.field, self.found, self.allowed = field, found, allowed
        shown = repr(found)
        shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
        super().__init__(f"{field}: found {shown}; allowed: {allowed}")


class ProtocolError(BadInput):
    """A seed file that cannot be used; `file` and `key` say where."""

    def __init__(self, file: str, key: str, found: object, allowed: str) -> None:
        self.file, self.key = file, key
        super().__init__(f"{file}: {key}", found, allowed)


class NotFound(BadInput):
    """A thing that was named and does not exist."""

    status = 404


class Stale(BadInput):
    """Somebody else acted first; `since` says who and what, in a sentence."""

    status = 409

    def __init__(self, since: str) -> None:
        super().__init__("seen", since, "what stands there now")
        self.since = since


class Denied(MonitorError):
    """Whoever asks may not do this."""

    status = 403


class SignedOut(Denied):
    """Nobody is signed in, or not any more."""

    status = 401


class TooManyTries(Denied):
    """Too many tries to sign in have failed; `minutes` must pass."""

    status = 429

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        super().__init__(f"too many tries have failed: try again in {minutes} minute{'s' if minutes > 1 else ''}")


class NotReady(MonitorError):
    """The installation cannot work yet; the message says what to do."""

    status = 503


class GatewayError(MonitorError):
    """The SMS provider did not do what was asked."""

    status = 502


class GatewayRefused(GatewayError):
    """The provider answered that this message cannot be sent."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        super().__init__(f"refused by the provider with code {code} {detail}".rstrip())


class GatewayBusy(GatewayError):
    """The provider answered 429 or 5xx; `retry_after` is in seconds where it said so."""

    def __init__(self, code: int, retry_after: float | None = None) -> None:
        self.code, self.retry_after = code, retry_after
        super().__init__(f"the provider is busy (HTTP {code})")


class GatewayUnreachable(GatewayError):
    """No connection to the provider could be made, so nothing was sent."""


class GatewayUnknown(GatewayError):
    """The connection broke after the request may have been read."""
