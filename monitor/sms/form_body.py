"""A webhook's form body, read without trusting that it is one."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

MAX_FIELDS = 1000  # Twilio sends some thirty; a megabyte of "&" is not a form

# Twilio writes UTF-8. Bytes that are not may come from a proxy that recoded the body; a reading counts only
# when the signature fits it, so that trying several cannot let a false one in.
_DECODINGS = (("cp1252", "strict"), ("latin-1", "strict"), ("utf-8", "replace"))


class Form(dict[str, list[str]]):
    """Each key with its values in the order sent; the signature covers all values of a repeated key."""

    def getlist(self, key: str) -> list[str]:
        """The name under which Twilio's validator asks for all values of a key."""
        return self[key]


def read_form(body: bytes) -> Iterator[Form]:
    """Every sensible reading of the body, the likeliest first; none when it holds too many fields.

    >>> [dict(form) for form in read_form(b"Body=caf%C3%A9+au+lait&MediaUrl0=&From=%2B1555")]
    [{'Body': ['café au lait'], 'MediaUrl0': [''], 'From': ['+1555']}]
    >>> [form["Body"][0] for form in read_form(b"Body=caf%E9")]
    ['café', 'café', 'caf\\ufffd']
    """
    if body.count(b"&") >= MAX_FIELDS:
        return
    pairs = [_split(field) for field in body.split(b"&") if field]
    try:
        yield _decode(pairs, "utf-8", "strict")
        return
    except UnicodeDecodeError:
        pass
    for encoding, errors in _DECODINGS:
        try:
            yield _decode(pairs, encoding, errors)
        except UnicodeDecodeError:
            continue


def _split(field: bytes) -> tuple[bytes, bytes]:
    name, _, value = field.replace(b"+", b" ").partition(b"=")
    return unquote_to_bytes(name), unquote_to_bytes(value)


def _decode(pairs: list[tuple[bytes, bytes]], encoding: str, errors: str) -> Form:
    form = Form()
    for name, value in pairs:
        form.setdefault(name.decode(encoding, errors), []).append(value.decode(encoding, errors))
    return form
