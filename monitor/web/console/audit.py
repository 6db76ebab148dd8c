"""The audit log: who saw and did what, and what the program did, the newest first. Nothing changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.models import Patient
from monitor.services.seed import bundle_of, current_version
from monitor.web.console.frame import Page
from monitor.web.console.visit import MAX_ID, Visit
from monitor.web.pages import on_day
from monitor.worklists.audit import GROUPS, PROGRAM, Asking, LogLine, log_lines, people_of
from monitor.worklists.event_words import STAFF

router = APIRouter()


def show_audit(visit: Visit, session: Session) -> Mapping[str, Any]:
    """A page of the log. The address holds ids and codes alone."""
    people = people_of(session, visit.clinic_id)
    kind = visit.asked("kind", GROUPS, "")
    who = visit.asked("who", [*map(str, people), "program"], "")
    patient = _number(visit, "patient")
    about = visit.own(session, Patient, patient) if patient is not None else None
    asking = Asking(
        before=_number(visit, "before"),
        kinds=GROUPS[kind][1] if kind else (),
        actor=PROGRAM if who == "program" else f"{STAFF}{who}" if who else None,
        patient_id=patient,
    )
    outcomes = bundle_of(session, current_version(session).id).protocol.outcomes
    lines, more = log_lines(session, visit.clinic_id, visit.person.zone, asking, people, outcomes)
    visit.view([*(one.id for line in lines for one in line.whose), patient], "the audit log")
    kept = {name: value for name, value in (("kind", kind), ("who", who), ("patient", patient)) if value}
    return {
        "days": _by_day(lines),
        "groups": {key: words for key, (words, _) in GROUPS.items()},
        "people": people,
        "kind": kind,
        "who": who,
        "patient": patient,
        "about": about.name if about else None,
        "query": urlencode(kept),
        "older": urlencode({**kept, "before": lines[-1].id}) if more else None,
        "is_newest": asking.before is None,
    }


def _number(visit: Visit, name: str) -> int | None:
    """A number in the address; anything else is as if it were not there."""
    given = visit.request.query_params.get(name, "")
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(MAX_ID))):
        return None
    return min(int(given), MAX_ID) or None


def _by_day(lines: Sequence[LogLine]) -> list[tuple[str, list[LogLine]]]:
    return [(day, list(of)) for day, of in groupby(lines, key=lambda line: on_day(line.at))]


Page("/audit", "audit.html", show_audit, Permission.AUDIT).add_to(router)
