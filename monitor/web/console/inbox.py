"""The inbox: what waits for a person and is no patient's alert."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission, may_settle_stranger
from monitor.errors import BadInput
from monitor.locking import hold
from monitor.queries import numbers_that_take_texts
from monitor.services.acknowledge import MAX_NOTE
from monitor.services.seed import bundle_of
from monitor.services.staff import close_task
from monitor.services.stranger import finish, text_stranger
from monitor.services.text_patient import MAX_TEXT
from monitor.web.console.frame import Action, Page
from monitor.web.console.visit import Visit, version_of
from monitor.worklists.inbox import open_tasks, replies_to_read, wrong_numbers
from monitor.worklists.strangers import Stranger, strangers

router = APIRouter()
A_NUMBER = 40  # characters


def show_inbox(visit: Visit, session: Session) -> Mapping[str, Any]:
    clinic_id, zone = visit.clinic_id, visit.person.zone
    numbers, how_many = strangers(session, clinic_id, zone)
    tasks, how_many_tasks = open_tasks(session, clinic_id, zone)
    take_texts = numbers_that_take_texts(session, [one.number for one in numbers])
    replies = replies_to_read(session, clinic_id, zone)
    wrong = wrong_numbers(session, clinic_id, zone)
    shown = [*(line.patient_id for line in tasks), *(line.patient_id for line in replies)]
    known = [*(one.patient_id for one in wrong), *(one.patient_id for one in numbers)]
    visit.view([*shown, *known], "the inbox")
    return {
        "strangers": [_card(visit, session, one, may_text=one.number in take_texts) for one in numbers],
        "tasks": tasks,
        "counted": {"numbers": how_many, "tasks": how_many_tasks, "replies": len(replies), "wrong": len(wrong)},
        "replies": replies,
        "wrong": wrong,
        "may_enrol": visit.may(Permission.ENROL),
        "max_text": MAX_TEXT,
        "max_note": MAX_NOTE,
        "once": secrets.token_hex(8),
    }


def text_back(visit: Visit, session: Session) -> str:
    """Write to a number that nobody knows."""
    number, once = _number(visit), visit.form.get("once", "")
    if not (once.isascii() and once.isalnum()):
        raise BadInput("once", "", "a form of this page")
    text_stranger(session, visit.clinic(session), number, visit.form.text("body"), once=once, now=visit.now)
    return "/inbox?said=texted"


def mark_done(visit: Visit, session: Session) -> str:
    """Nothing about this number waits any more, unless it has written again since the page was made."""
    number = _number(visit)
    hold(session, number)  # what it writes from here on is read after this, and waits anew
    found, _ = strangers(session, visit.clinic_id, visit.person.zone, number=number)
    for one in found:
        since = f"{one.taken_by} took it." if one.taken_by else "They have written again: read it first."
        visit.require_unchanged(version_of(one.seen), since)
    finish(
        session,
        visit.clinic_id,
        number,
        outcome=visit.form.get("outcome", ""),
        note=visit.form.text("note"),
        by=visit.staff(session),
        permissions=visit.person.permissions,
        now=visit.now,
    )
    return "/inbox?said=done"


def finish_task(visit: Visit, session: Session) -> str:
    close_task(session, visit.chosen("task"), now=visit.now, clinic_id=visit.clinic_id)
    return "/inbox?said=done"


def _number(visit: Visit) -> str:
    return visit.form.text("number")[:A_NUMBER]


def _card(visit: Visit, session: Session, one: Stranger, *, may_text: bool) -> Mapping[str, Any]:
    """A number with what this person may do about it."""
    outcomes = bundle_of(session, one.version_id).protocol.outcomes if one.version_id else {}
    settles = may_settle_stranger(visit.person.permissions, kind=one.kind, band=one.band or "")
    return {
        "one": one,
        "seen": version_of(one.seen),
        "may_text": may_text,
        "may_finish": one.alert_id is None or settles,
        "outcomes": [(key, outcome.words) for key, outcome in outcomes.items()],
    }


Page(
    "/inbox",
    "inbox.html",
    show_inbox,
    Permission.DESK,
    {"text": Action(text_back), "finish": Action(mark_done), "task": Action(finish_task)},
).add_to(router)
