"""Bring a table of patients: first only look what would come of each row, then enrol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.errors import BadInput
from monitor.services.enrolment_table import COLUMNS, NEEDED, Table
from monitor.services.import_patients import MAX_ROWS, Imported, check_import, import_patients, read_import
from monitor.web.console.frame import SHOW, Action, Page
from monitor.web.console.visit import Visit

router = APIRouter()
MAX_TABLE = 600_000  # bytes: some hundred for each row
SHOWN = 200  # rows of each kind; the table of the refused ones holds them all


def show_import(visit: Visit, session: Session) -> Mapping[str, Any]:
    """The form, and what came of the table that was sent with it."""
    came = _came_of(visit, session)
    if came is not None:
        shown = [one.patient_id for row in came.shared[:SHOWN] for one in row.sharers]
        visit.view([*(row.patient_id for row in came.accepted), *shown], "an imported table")
    return {
        "came": came,
        "table": _text(visit) if came is not None and not came.done else "",
        "needed": NEEDED,
        "columns": COLUMNS[len(NEEDED) :],
        "shown": SHOWN,
        "most": MAX_ROWS,
    }


def check(visit: Visit, _session: Session) -> str:
    """Refuse what is no table; the page itself shows what would come of one that is."""
    _read(visit)
    return SHOW


def enrol_them(visit: Visit, _session: Session) -> str:
    app = visit.app
    came = import_patients(app.sessions, visit.clinic_id, _read(visit), app.clock, by=visit.person.id)
    visit.request.state.came_of_import = came
    return SHOW


def _came_of(visit: Visit, session: Session) -> Imported | None:
    if visit.error is not None or not visit.form:
        return None
    done: Imported | None = getattr(visit.request.state, "came_of_import", None)
    return done or check_import(session, visit.clinic(session), _read(visit), clock=visit.app.clock)


def _read(visit: Visit) -> Table:
    text = _text(visit)
    if not text:
        raise BadInput("table", "", "a file, or rows that are pasted into the field")
    return read_import(text)


def _text(visit: Visit) -> str:
    """A file goes before what is pasted."""
    return visit.form.text("file") or visit.form.text("table")


Page(
    "/enrol/import",
    "import.html",
    show_import,
    Permission.ENROL,
    {"check": Action(check, reads=True), "import": Action(enrol_them, reads=True)},
    max_form=MAX_TABLE,
).add_to(router)
