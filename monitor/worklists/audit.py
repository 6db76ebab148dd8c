"""The log as somebody reads it: what a clinic's people did and saw, and what the program did for its patients."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import FINAL
from monitor.domain.protocol import Outcome
from monitor.models import Alert, Episode, Event, Patient, Staff
from monitor.worklists.event_words import STAFF, in_words

AT_ONCE = 60
NAMED = 12  # of those whom one look showed; more are counted
PROGRAM = "system"

# Each kind of event belongs to one of these; one that nobody has sorted in yet shows among all.
GROUPS: Mapping[str, tuple[str, Collection[str]]] = {
    "looks": ("Looked at", ("viewed", "link_opened")),
    "alerts": (
        "Alerts",
        (
            "alert_opened",
            "alert_raised",
            "alert_added",
            "alert_corrected",
            "alert_taken",
            "alert_handed_over",
            "alert_given_back",
            "alert_closed",
            "outcome",
            "outcome_overdue",
            "overruled",
            "paged",
            "page_lost",
            "nobody_on_call",
            "nobody_to_page",
            "promise_slipped",
            "patient_told",
            "silence",
            "sender_named",
            "staff_text_unmatched",
        ),
    ),
    "patients": (
        "Patients",
        (
            "enrolled",
            "consent_given",
            "contact_changed",
            "episode_changed",
            "episode_cancelled",
            "protocol_moved",
            "paused",
            "resumed",
            "note_added",
            "texted",
            "opted_out",
            "opted_in",
            "wrong_number",
            "number_alive",
            "task_opened",
            "task_closed",
        ),
    ),
    "people": (
        "Staff and rota",
        (
            "staff_added",
            "staff_changed",
            "staff_removed",
            "shift_added",
            "shift_removed",
            "shifts_swapped",
            "cover_added",
            "cover_removed",
        ),
    ),
    "entry": (
        "Sign-in",
        (
            "signed_in",
            "sign_in_closed",
            "joined",
            "invited",
            "password_changed",
            "recovery_codes_made",
            "recovery_codes_renewed",
            "signed_out_everywhere",
        ),
    ),
    "clinic": ("Settings", ("clinic_changed", "protocol_loaded", "restored")),
    "texts": (
        "Texts",
        (
            *sorted(f"message_{state}" for state in FINAL),
            "message_deferred",
            "send_adopted",
            "send_repeated",
            "reading_failed",
            "inbound_fetched",
            "digest",
        ),
    ),
}

EVERYBODYS = ("protocol_loaded", "restored")  # of the whole installation, and so in each clinic's log


@dataclass(frozen=True, slots=True)
class Whose:
    """A patient as the log names them; `episode_id` is where their record is."""

    id: int
    name: str
    episode_id: int | None


@dataclass(frozen=True, slots=True)
class LogLine:
    id: int
    at: datetime
    words: str
    is_program: bool
    whose: Sequence[Whose]
    more: int  # patients whom it showed beside those
    alert_id: int | None


@dataclass(frozen=True, slots=True)
class Asking:
    """Which lines are asked for: those before this one, of these kinds, of one person's doing, about one patient."""

    before: int | None = None
    kinds: Collection[str] = field(default_factory=tuple)
    actor: str | None = None
    patient_id: int | None = None


def log_lines(
    session: Session,
    clinic_id: int,
    zone: ZoneInfo,
    asking: Asking,
    people: Mapping[int, str],
    outcomes: Mapping[str, Outcome],
) -> tuple[list[LogLine], bool]:
    """A clinic's events, the newest first, and whether there are older ones. `people` are its staff, by id."""
    chosen = select(Event).where(_of_clinic(clinic_id), *_asked(asking))
    events = session.scalars(chosen.order_by(Event.id.desc()).limit(AT_ONCE + 1)).all()
    shown = events[:AT_ONCE]
    about = _patients_of_alerts(session, clinic_id, {event.alert_id for event in shown if event.alert_id})
    ids = {event.id: _patients(event, about) for event in shown}
    named = _named(session, clinic_id, {one for of in ids.values() for one in of[:NAMED]})
    lines = [_line(event, zone, people, ids[event.id], named, set(about), outcomes) for event in shown]
    return lines, len(events) > AT_ONCE


def people_of(session: Session, clinic_id: int) -> dict[int, str]:
    """Everybody who works or worked there, by id."""
    rows = session.execute(select(Staff.id, Staff.name).where(Staff.clinic_id == clinic_id).order_by(Staff.name))
    return {row[0]: row[1] for row in rows}


def _of_clinic(clinic_id: int) -> ColumnElement[bool]:
    """Done by its people, about its patients, alerts and settings, or about what all clinics share. Looked up line by
    line, from the newest on: the newest page is there after a few, however long the log is."""
    patient = exists().where(Patient.id == Event.patient_id, Patient.clinic_id == clinic_id)
    alert = exists().where(Alert.id == Event.alert_id, Alert.clinic_id == clinic_id)
    shared = and_(Event.clinic_id.is_(None), Event.kind.in_(EVERYBODYS))
    return or_(Event.clinic_id == clinic_id, patient, alert, shared)


def _asked(asking: Asking) -> list[ColumnElement[bool]]:
    wanted = []
    if asking.before is not None:
        wanted.append(Event.id < asking.before)
    if asking.kinds:
        wanted.append(Event.kind.in_(asking.kinds))
    if asking.actor is not None:
        wanted.append(Event.actor == asking.actor)
    if asking.patient_id is not None:
        listed = func.replace(cast(Event.detail["patients"], String), " ", "")
        for mark in "[]":
            listed = func.replace(listed, mark, ",")
        among = and_(Event.kind == "viewed", listed.contains(f",{asking.patient_id},"))
        alerts = select(Alert.id).where(Alert.patient_id == asking.patient_id)
        wanted.append(or_(Event.patient_id == asking.patient_id, Event.alert_id.in_(alerts), among))
    return wanted


def _patients_of_alerts(session: Session, clinic_id: int, alerts: Collection[int]) -> dict[int, int | None]:
    found = select(Alert.id, Alert.patient_id).where(Alert.id.in_(alerts), Alert.clinic_id == clinic_id)
    return {row[0]: row[1] for row in session.execute(found)}


def _patients(event: Event, about: Mapping[int, int | None]) -> list[int]:
    """Whose record it is about, or showed."""
    if event.patient_id is not None:
        return [event.patient_id]
    of_alert = about.get(event.alert_id or 0)
    if of_alert is not None:
        return [of_alert]
    listed = event.detail.get("patients", []) if event.kind == "viewed" else []
    return [one for one in listed if isinstance(one, int)]


def _named(session: Session, clinic_id: int, ids: Collection[int]) -> dict[int, Whose]:
    rows = session.execute(
        select(Patient.id, Patient.name, func.max(Episode.id).label("episode"))
        .outerjoin(Episode, Episode.patient_id == Patient.id)
        .where(Patient.id.in_(ids), Patient.clinic_id == clinic_id)
        .group_by(Patient.id, Patient.name)
    )
    return {row.id: Whose(row.id, row.name, row.episode) for row in rows}


def _line(
    event: Event,
    zone: ZoneInfo,
    people: Mapping[int, str],
    patients: Sequence[int],
    named: Mapping[int, Whose],
    alerts: Collection[int],
    outcomes: Mapping[str, Outcome],
) -> LogLine:
    whose = [named[one] for one in patients[:NAMED] if one in named]
    return LogLine(
        id=event.id,
        at=event.at.astimezone(zone),
        words=in_words(event.kind, event.detail, actor=event.actor, people=people, zone=zone, outcomes=outcomes),
        is_program=not event.actor.startswith(STAFF),
        whose=whose,
        more=max(0, len(patients) - NAMED),
        alert_id=event.alert_id if event.alert_id in alerts else None,
    )
