"""What the forms of the built-in phones may hold. Anything else is refused with the field and what is allowed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.phone import parse_phone
from monitor.errors import BadInput
from monitor.models import Message, Patient, PhoneText, Staff
from monitor.services.clinic import region_of, the_clinic
from monitor.web.forms import Form, read_form

MAX_TEXT = 1600


async def read_typed(request: Request) -> Form:
    """The fields of a form. They stay on the request, so that nothing typed is lost by a mistake."""
    request.state.typed = await read_form(request)
    return request.state.typed  # type: ignore[no-any-return]


Typed = Annotated[Form, Depends(read_typed)]


def check_text(typed: str) -> str:
    """A text as a phone sends it: browsers write a line's end as two characters.

    >>> check_text("it hurts\\r\\na lot")
    'it hurts\\na lot'
    """
    body = typed.replace("\r\n", "\n").strip("\n")
    if not body.strip() or len(body) > MAX_TEXT:
        found = f"{len(body)} characters" if body.strip() else ""
        raise BadInput("body", found, f"a text of 1 to {MAX_TEXT} characters")
    return body


def check_whole(field: str, typed: str, low: int, high: int) -> int:
    """A whole number within its limits.

    >>> check_whole("days", "7", 0, 365)
    7
    """
    number = typed.strip()
    if not (number.isascii() and number.isdigit() and len(number) < 6 and low <= int(number) <= high):
        raise BadInput(field, typed[:40], f"a whole number from {low} to {high}")
    return int(number)


def check_phone(session: Session, typed: str) -> str:
    """A phone that is on the page, or any number that can text."""
    clinic = the_clinic(session)
    if typed == clinic.last_resort_phone:
        return typed
    for column in (Patient.phone, Staff.phone, PhoneText.phone):
        if session.scalar(select(column).where(column == typed).limit(1)) is not None:
            return typed
    return parse_phone("phone", typed, region=region_of(clinic))


def find_ringing_call(session: Session, typed: str) -> Message:
    """The call that a key is pressed in."""
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else 0
    call = session.get(Message, number, with_for_update=True)
    if call is None or call.channel != "call" or call.state != State.SENT:
        raise BadInput("message", typed[:40], "the number of a call that is ringing")
    return call
