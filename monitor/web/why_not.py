"""Why something that was typed is refused, in a sentence for whoever reads a page. The command line has its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from monitor.errors import BadInput, MonitorError, NotFound
from monitor.web.pages import on_day, on_short_day, words

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DATE_TO_READ = re.compile(rf"(?<!such as )\b{DATE.pattern}\b")  # one that shows how a date is typed stays as it is
MOMENT = re.compile(rf"{DATE.pattern}T\d{{2}}:\d{{2}}")
SHOWN = 120  # how much of what was found is worth reading


def why_not(error: BadInput, *, label: str = "", typed: str | None = None) -> str:
    """What is wrong, and what may stand there instead. `label` is the field's own, left out where the sentence stands
    beside it; `typed` is what the form held, of which an error about a password says nothing.

    >>> error = BadInput("until", "2026-11-01", "a day from 2026-11-30 to 2027-05-28")
    >>> why_not(error, label="Texts go on from", typed="2026-11-01")
    'Texts go on from: “Sun 1 Nov 2026” is not possible here; it must be a day from Mon 30 Nov 2026 to Fri 28 May 2027.'
    >>> why_not(BadInput("body", "0 characters", "1 to 459 characters"), label="Your words", typed="")
    'Your words: this is missing; it must be 1 to 459 characters.'
    >>> why_not(BadInput("old", "", "the password with which you sign in now"), typed="battery")
    'This is not right; it must be the password with which you sign in now.'
    """
    found, allowed = str(error.found).strip()[:SHOWN], _with_days(error.allowed)
    if found in {"", "0 characters"}:
        what = "this is not right" if typed and not found else "this is missing"
    else:
        # What was typed is quoted; where the error describes it, the description is part of the sentence.
        as_typed = typed is None or found in typed
        what = f"{f'“{_as_read(found)}”' if as_typed else found} is not possible here"
    start = f"{label}: {what}" if label else f"{what[:1].upper()}{what[1:]}"
    return f"{start}; it must be {allowed}."


def why_refused(error: MonitorError, *, asked_to_do: bool = False) -> str:
    """The same of a whole page that is refused. `asked_to_do` of a form: what it is about was there a moment ago.

    >>> why_refused(NotFound("address", "one that leads nowhere", "an address that stands on a page"))
    'Nothing stands at this address. It may have been mistyped, or what stood here is no more.'
    """
    if isinstance(error, NotFound):
        if asked_to_do:
            return "Nothing was changed: what this form is about is not there any more. Load its page again."
        return "Nothing stands at this address. It may have been mistyped, or what stood here is no more."
    if isinstance(error, BadInput):
        return why_not(error, label=label_of(error.field))
    said = str(error)
    return f"{said[:1].upper()}{said[1:]}" + ("" if said.endswith((".", "!", "?")) else ".")


def label_of(field: str) -> str:
    """What a field is called that has no label on the page.

    >>> label_of("instead-of")
    'Instead of'
    """
    name = words(field).replace("-", " ")
    return f"{name[:1].upper()}{name[1:]}"


def _as_read(found: str) -> str:
    if MOMENT.fullmatch(found):
        return _read(found, on_short_day)
    return _read(found, on_day) if DATE.fullmatch(found) else found


def _with_days(allowed: str) -> str:
    return DATE_TO_READ.sub(lambda day: _read(day.group(), on_day), allowed)


def _read(iso: str, how: Callable[[datetime], str]) -> str:
    try:
        return how(datetime.fromisoformat(iso))
    except ValueError:
        return iso
