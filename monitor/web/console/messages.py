"""Messages: what leaves on a day, what has left, and what lately did not arrive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.domain.localtime import local_date
from monitor.errors import BadInput
from monitor.web.console.frame import Page
from monitor.web.console.visit import Visit
from monitor.worklists.messages import count_texts, due_texts, left_texts, lost_texts, part_of

router = APIRouter()
LISTS: Mapping[str, str] = {"due": "To send", "left": "Sent", "troubles": "Not delivered (14 days)"}
YEARS = range(2000, 2200)  # a year outside is a slip of the keyboard
PAGES = 10_000


def show_messages(visit: Visit, session: Session) -> Mapping[str, Any]:
    today = local_date(visit.now, visit.person.zone)
    day, page = _day(visit, today), _page(visit)
    kept = visit.asked("show", LISTS, "due")
    clinic_id, zone = visit.clinic_id, visit.person.zone
    texts = {
        "due": due_texts(visit.clinic(session), visit.now, day),
        "left": left_texts(clinic_id, zone, day),
        "troubles": lost_texts(clinic_id, visit.now),
    }
    counts = {name: count_texts(session, some) for name, some in texts.items()}
    part = part_of(session, texts[kept], counts[kept], page, zone, visit.now)
    visit.view((line.patient_id for line in part.lines), f"messages: {LISTS[kept].lower()}")
    return {
        "lists": LISTS,
        "counts": counts,
        "kept": kept,
        "part": part,
        "day": day,
        "today": today,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
    }


def _day(visit: Visit, today: date) -> date:
    given = visit.request.query_params.get("day", "")
    if not given:
        return today
    try:
        day = date.fromisoformat(given)
    except ValueError:
        day = date.min
    if day.year not in YEARS:
        raise BadInput("day", given[:40], f"a date such as {today}")
    return day


def _page(visit: Visit) -> int:
    given = visit.request.query_params.get("page", "1")
    if not (given.isascii() and given.isdigit() and len(given) < 6 and 1 <= int(given) <= PAGES):
        raise BadInput("page", given[:40], f"a number from 1 to {PAGES}")
    return int(given)


Page("/messages", "messages.html", show_messages, Permission.DESK).add_to(router)
