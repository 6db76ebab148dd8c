"""What somebody typed that was not saved, in words: of which page it is, whom it is about, what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.models import Alert, Episode, Patient, Staff
from monitor.web.console.nav import ENTRIES
from monitor.web.console.visit import MAX_ID, Visit
from monitor.web.why_not import label_of

Fields = Sequence[tuple[str, str]]
UNTOLD = frozenset({"do", "seen", "once", "week", "assessment", "task", "cover", "shift", "other-half", "sure"})
PEOPLE = frozenset({"to", "staff", "instead-of"})  # a colleague, by a number
LABELS: Mapping[str, str] = {
    "body": "Your words",
    "until": "Texts go on from",
    "surgery": "Date of surgery",
    "crown": "Crown fitted on",
    "phone": "Mobile number",
    "consent": "How they agreed",
    "outcome": "What came of it",
    "staff": "Who",
    "chart": "Chart number",
    "timezone": "Time zone",
    "q": "Looked for",
}
DOES: Mapping[str, str] = {
    "take": "Take it",
    "outcome": "Record what came of it",
    "hand-over": "Hand it over",
    "note": "Write something down",
    "text": "Send a text",
    "pause": "Pause the texts",
    "resume": "Let the texts go on",
    "stop": "Stop all texts",
    "contact": "Change the contact",
    "reschedule": "Change the dates",
    "overrule": "Overrule a reading",
    "enrol": "Enrol a patient",
    "task": "Mark a task as done",
    "finish": "Mark a number as done",
    "cover": "Cover for once",
    "shift": "Add a weekly shift",
}
ABOUT = re.compile(r"/(episodes|alerts)/([0-9]{1,10})")
OTHERS: Mapping[str, str] = {"/account": "Your account"}


def words_of_kept(visit: Visit, session: Session, path: str, fields: Fields) -> Mapping[str, object]:
    """Where it goes and what it says; whoever is named is noted as seen."""
    words = plain_words(path, fields, lambda name, value: _shown(visit, session, name, value))
    return {**words, "whom": _whom(visit, session, path)}


def _as_typed(_: str, value: str) -> str:
    return value


def plain_words(path: str, fields: Fields, shown: Callable[[str, str], str] = _as_typed) -> Mapping[str, object]:
    """The same where nothing can be looked up."""
    do = dict(fields).get("do", "")
    return {
        "place": _place(path),
        "whom": "",
        "does": DOES.get(do, label_of(do) if do else ""),
        "lines": [
            (LABELS.get(name, label_of(name)), shown(name, value))
            for name, value in fields
            if name not in UNTOLD and value
        ],
    }


def _place(path: str) -> str:
    if path in OTHERS:
        return OTHERS[path]
    inner = sorted(ENTRIES, key=lambda entry: len(entry.path), reverse=True)  # "/" holds only what nothing else does
    return next((entry.name for entry in inner if entry.holds(path)), "the console")


def _whom(visit: Visit, session: Session, path: str) -> str:
    """The patient, if they are of this person's clinic and this person may see patients."""
    found = ABOUT.fullmatch(path)
    if found is None or int(found[2]) > MAX_ID or not visit.may(Permission.PATIENTS):
        return ""
    table = Episode if found[1] == "episodes" else Alert
    whose = session.scalar(select(table.patient_id).where(table.id == int(found[2])))
    patient = session.get(Patient, whose) if whose is not None else None
    if patient is None or patient.clinic_id != visit.clinic_id:
        return ""
    visit.view([patient.id], "a form that was typed before signing in again")
    return patient.name


def _shown(visit: Visit, session: Session, name: str, value: str) -> str:
    if name not in PEOPLE or not (value.isascii() and value.isdigit() and len(value) < 10):
        return value
    person = session.get(Staff, int(value))
    return person.name if person is not None and person.clinic_id == visit.clinic_id else value
