"""What only its owner knows: passwords, the second factor, and the long random values that a browser holds."""

from __future__ import annotations

import secrets
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp import TOTP, random_base32

from monitor.domain.access import PASSWORD_AT_LEAST, PASSWORD_AT_MOST
from monitor.errors import BadInput

LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none that is easily taken for another
HALF_MINUTE = 30  # seconds for which a code of the second factor holds
_hasher = PasswordHasher()
_few_at_once = BoundedSemaphore(4)  # each takes 64 MB
_NOBODYS = _hasher.hash(secrets.token_urlsafe())  # looked at where there is no account, for as long as a real one


def digest_of(value: str) -> str:
    """How a long random value is stored."""
    return sha256(value.encode("utf-8", "replace")).hexdigest()


def new_token() -> str:
    """256 random bits, for a cookie."""
    return secrets.token_urlsafe(32)


def new_words(groups: int) -> str:
    """Random letters in groups of four, for people to type: 19 bits a group.

    >>> len(new_words(4))
    19
    """
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(groups))


def tidy_words(typed: str) -> str:
    """What was typed of such words, however it was written.

    >>> tidy_words(" abcd efgh-23")
    'ABCDEFGH23'
    """
    return "".join(letter for letter in typed.upper() if letter.isalnum())[:80]


def hash_password(password: str, *, about: tuple[str, ...]) -> str:
    """A new password, as it is stored. Raises BadInput for one that is easily guessed; `about` is what everybody
    knows of its owner."""
    allowed = f"{PASSWORD_AT_LEAST} to {PASSWORD_AT_MOST} characters; three or four words are easy to keep in mind"
    if not PASSWORD_AT_LEAST <= len(password) <= PASSWORD_AT_MOST:
        raise BadInput("password", f"{len(password)} characters", allowed)
    known = [part.casefold() for words in about for part in words.split() if len(part) > 2]
    rest = password.casefold()
    for part in known:
        rest = rest.replace(part, "")
    if len(set(rest)) < PASSWORD_AT_LEAST // 2:
        raise BadInput("password", "one that is easily guessed", f"{allowed}; not your name or number")
    return _hasher.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether this is the one; it takes as long where there is none."""
    try:
        with _few_at_once:
            return _hasher.verify(stored or _NOBODYS, password[: PASSWORD_AT_MOST + 1]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def new_totp_secret() -> str:
    return random_base32()


def totp_address(secret: str, *, name: str, clinic: str) -> str:
    """What the authenticator app reads from the picture."""
    return TOTP(secret).provisioning_uri(name=name, issuer_name=f"Implant monitor, {clinic}")


def step_of_code(secret: str, code: str, now: datetime, *, after: int | None) -> int | None:
    """The half minute whose code this is, if it is one of now (or of the one before or after, for phones whose clock
    is off) and later than the last that was used; else None."""
    digits, totp = "".join(code.split()), TOTP(secret, interval=HALF_MINUTE)
    this = int(now.timestamp()) // HALF_MINUTE
    for step in (this, this - 1, this + 1):
        if (after is None or step > after) and compare_digest(totp.generate_otp(step).encode(), digits.encode()):
            return step
    return None
