"""The clinic's patients: a list to page through, and a search. What is looked for never stands in an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.errors import BadInput
from monitor.web.console.frame import SHOW, Action, Page
from monitor.web.console.visit import Visit
from monitor.worklists.patients import SEARCHED_AT_MOST, find_patients, list_patients

router = APIRouter()
SHOWN: Mapping[str, str] = {"all": "All", "alerts": "With an open alert"}
LONGEST_NUMBER = 6  # digits of a page in the address


def show_patients(visit: Visit, session: Session) -> Mapping[str, Any]:
    text, show = _looked_for(visit), visit.asked("show", SHOWN, "all")
    if text and visit.error is None:
        found = find_patients(session, visit.clinic_id, visit.now, text=text)
    else:
        found = list_patients(session, visit.clinic_id, visit.now, page=_page(visit), with_alert=show == "alerts")
    visit.view((line.patient_id for line in found.lines), "the list of patients")
    return {
        "found": found,
        "shown": SHOWN,
        "show": show,
        "searched": text if visit.error is None else "",
        "may_enrol": visit.may(Permission.ENROL),
    }


def find(visit: Visit, session: Session) -> str | None:  # noqa: ARG001 -- the page itself looks
    """Answer with the page: it holds what was typed, its address does not."""
    text = _looked_for(visit)
    if len(text) > SEARCHED_AT_MOST or not text.isprintable():
        raise BadInput("q", text[:40], f"up to {SEARCHED_AT_MOST} printable characters of a name, number or chart")
    return SHOW if text else None


def _looked_for(visit: Visit) -> str:
    return visit.form.text("q")


def _page(visit: Visit) -> int:
    asked = visit.request.query_params.get("page", "1")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= LONGEST_NUMBER else 1


Page(
    "/patients",
    "patients.html",
    show_patients,
    Permission.PATIENTS,
    {"find": Action(find, reads=True)},
).add_to(router)
