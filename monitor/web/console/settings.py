"""The clinic's settings: what is set, what each is for, and what `monitor doctor` misses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.locking import lock
from monitor.models import Clinic
from monitor.services.clinic import FIELDS, change_clinic, value_of
from monitor.services.doctor import examine_clinic
from monitor.web.console.frame import Action, Page
from monitor.web.console.visit import Visit, version_of
from monitor.worklists.changes import last_change

router = APIRouter()
SHOWN_GAPS = 5
BY_COMMAND = " (`monitor"  # where doctor goes on to name a command, which nobody types here


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of the form: what it is, and what it is for."""

    name: str
    label: str
    hint: str
    type: str = "text"
    required: bool = False


GROUPS: Mapping[str, Sequence[Setting]] = {
    "The clinic": (
        Setting("name", "Name", "as patients read it in their texts", required=True),
        Setting("phone", "Phone", "the number that patients are told to call in working hours", "tel"),
        Setting("timezone", "Time zone", "by its name, such as Europe/Berlin or America/New_York", required=True),
    ),
    "When something is wrong": (
        Setting(
            "emergency_number", "Emergency number", "told to patients who must not wait, such as 112 or 911", "tel"
        ),
        Setting("out_of_hours_phone", "Number for the night", "told to patients whose call waits until morning", "tel"),
        Setting("last_resort", "Last resort", "paged and rung when nobody of the staff has taken an alert", "tel"),
    ),
    "Working hours": (
        Setting("hours", "Opening hours", "such as mon-fri 08:00-18:00, sat 09:00-13:00", required=True),
        Setting("holidays", "Public holidays", "of a country, or of a part of it: GB, DE-BY, US-CA"),
    ),
    "Texts to patients": (
        Setting(
            "checkin_at", "Check-ins are due at", "the hour at which patients are asked how it heals", "time", True
        ),
        Setting(
            "texting_from", "No scheduled text before", "answers and emergency advice leave at any hour", "time", True
        ),
        Setting("texting_until", "No scheduled text after", "later than the one before", "time", True),
    ),
}


def show_settings(visit: Visit, session: Session) -> Mapping[str, Any]:
    clinic = visit.clinic(session)
    found = [check for check in examine_clinic(session, clinic, visit.app.clock) if check.level != "ok"]
    on_rota = [check for check in found if check.what.endswith(": rota")]
    shown = [check for check in found if check not in on_rota[SHOWN_GAPS:]]
    return {
        "more_gaps": len(on_rota[SHOWN_GAPS:]),
        "groups": GROUPS,
        "values": {field: value_of(clinic, field) for field in FIELDS},
        "missing": [
            {
                "what": check.what.removeprefix(f"{clinic.name}: ").capitalize(),
                "found": check.found.partition(BY_COMMAND)[0],
                "on_rota": check.what.endswith(": rota"),
            }
            for check in shown
        ],
        "version": _version(clinic),
    }


def save(visit: Visit, session: Session) -> str:
    """What was changed in the form, and that alone."""
    clinic = lock(session, Clinic, visit.clinic_id)
    visit.require_unchanged(_version(clinic), last_change(session, clinic.id, ("clinic_changed",), visit.person.zone))
    typed = {field: visit.form.text(field) for field in FIELDS if field in visit.form}
    changed = {field: text or None for field, text in typed.items() if text != value_of(clinic, field)}
    if changed:
        change_clinic(session, clinic, changed, now=visit.now)
    return "/settings?said=saved"


def _version(clinic: Clinic) -> str:
    return version_of([value_of(clinic, field) for field in FIELDS])


Page("/settings", "settings.html", show_settings, Permission.SETTINGS, {"save": Action(save)}).add_to(router)
