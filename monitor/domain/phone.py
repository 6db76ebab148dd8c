"""Phone numbers, checked by the phonenumbers library and kept as E.164."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from monitor.errors import BadInput

# What cannot receive a text, or costs the caller.
NO_TEXTS = {
    PhoneNumberType.FIXED_LINE: "a landline",
    PhoneNumberType.TOLL_FREE: "a toll-free number",
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.VOICEMAIL: "a voicemail number",
    PhoneNumberType.PAGER: "a pager",
}
ALLOWED = "a valid {} with its country code, such as +1 202 555 0123"


def parse_phone(field: str, text: str, *, region: str | None = None, must_text: bool = True) -> str:
    """The number as E.164. A landline is refused where texts must reach it.

    >>> parse_phone("phone", "202 555 0123", region="US")
    '+12025550123'
    >>> parse_phone("phone", "+44 20 7946 0018")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    monitor.errors.BadInput: phone: found '+44 20 7946 0018 (a landline)'; allowed: a valid mobile number...
    """
    allowed = ALLOWED.format("mobile number" if must_text else "number")
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        raise BadInput(field, text, allowed) from None
    if not phonenumbers.is_valid_number(number):
        raise BadInput(field, text, allowed)
    trouble = NO_TEXTS.get(phonenumbers.number_type(number))
    if must_text and trouble:
        raise BadInput(field, f"{text} ({trouble})", allowed)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def normalise_sender(text: str) -> str:
    """The number a provider says a text came from, as we store numbers; anything else unchanged.

    >>> normalise_sender(" +12025550123"), normalise_sender("INFO")
    ('+12025550123', 'INFO')
    """
    stripped = text.strip()
    digits = re.sub(r"[^\d+]", "", stripped.removeprefix("whatsapp:"))
    return digits if re.fullmatch(r"\+\d{6,15}", digits) else stripped[:40]


def parse_dialled(field: str, text: str) -> str:
    """A number to read out and dial as it stands, short ones like 112 too.

    >>> parse_dialled("emergency-number", "112")
    '112'
    """
    digits = re.sub(r"[\s().-]", "", text)
    if not re.fullmatch(r"\+?\d{2,15}", digits):
        raise BadInput(field, text, "digits to dial, such as 112 or +44 20 7946 0018")
    return digits
