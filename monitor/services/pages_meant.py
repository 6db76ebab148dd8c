"""Which pages a reply is about, and whether who replies may still act on them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from monitor.models import Alert, Clinic, Page, Staff

CODE = re.compile(r"(?<!\d)(\d{4,6})(?!\d)")
BETWEEN = re.compile(r"[\W_]+")
YES = frozenset({"ok", "okay", "k", "yes", "y", "on it", "taking it", "mine", "got it"})


def pages_meant(session: Session, staff: Sequence[Staff], number: str, text: str) -> Sequence[Page]:
    """The pages whose codes are named, the newest of each alert; without a code the only one it can be."""
    if codes := CODE.findall(text):
        named = session.scalars(pages_of(number, staff).where(Page.code.in_(codes)))
        return list({page.alert_id: page for page in named}.values())
    open_pages = find_open_pages(session, staff, number)
    if is_yes(text) and len(open_pages) == 1:
        return open_pages
    if len(letters(text)) == 1 and letters(text).isalpha():
        held = _held_pages(session, staff, number, open_pages)
        return held if len(held) == 1 else []
    return []


def pages_of(number: str, staff: Sequence[Staff]) -> Select[Page]:
    """The pages that this phone may answer now, oldest first: those of people who still work here, and those
    to the clinic's last resort as long as this is its number."""
    last_resort = Page.staff_id.is_(None) & (Clinic.last_resort_phone == number)
    return (
        select(Page)
        .join(Alert, Alert.id == Page.alert_id)
        .join(Clinic, Clinic.id == Alert.clinic_id)
        .where(Page.phone == number, or_(Page.staff_id.in_([person.id for person in staff]), last_resort))
        .order_by(Page.id)
    )


def find_open_pages(session: Session, staff: Sequence[Staff], number: str) -> Sequence[Page]:
    """The newest page of each alert that nobody has taken."""
    pages = session.scalars(pages_of(number, staff).where(Alert.state == "open"))
    return list({page.alert_id: page for page in pages}.values())


def _held_pages(session: Session, staff: Sequence[Staff], number: str, open_pages: Sequence[Page]) -> Sequence[Page]:
    """What a bare outcome letter may be about: alerts this person holds, or held until they got worse."""
    ids = [person.id for person in staff]
    taken = session.scalars(pages_of(number, staff).where(Alert.state == "taken", Alert.taken_by_id.in_(ids)))
    outdated = [page for page in open_pages if is_outdated(page, session.get_one(Alert, page.alert_id))]
    return [*{page.alert_id: page for page in taken}.values(), *outdated]


def addressee(page: Page, staff: Sequence[Staff]) -> Staff | None:
    """Who answers a page: its addressee, or whoever of the staff has the last resort's phone."""
    return next((person for person in staff if page.staff_id in {None, person.id}), None)


def is_outdated(page: Page, alert: Alert) -> bool:
    """Whether the alert got worse after this page. Each worsening begins a round, which a clock that was set
    back does not undo."""
    return page.rounds < alert.rounds and page.created_at < alert.raised_at


def holds(person: Staff | None, alert: Alert) -> bool:
    """Whether this person, or the last resort if it is nobody's, has taken the alert."""
    return alert.state == "taken" and alert.taken_by_id == (person.id if person else None)


def is_yes(text: str) -> bool:
    """Whether a text says no more than that somebody takes it."""
    return text.casefold().strip(" .!") in YES


def letters(text: str) -> str:
    """A text without its spaces and punctuation."""
    return BETWEEN.sub("", text)


def beside_codes(text: str, pages: Sequence[Page]) -> str:
    """A text without the codes of these pages; other numbers stay in it."""
    codes = {page.code for page in pages}
    return CODE.sub(lambda found: " " if found[1] in codes else found[1], text)
