"""Everything about a patient in the order in which it happened: texts both ways, how they were read, alerts, notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import LOST, State
from monitor.domain.plan import day_of_text
from monitor.domain.protocol import Outcome
from monitor.domain.sending import Kind
from monitor.domain.terms import Band, Disposition, Presence
from monitor.models import Alert, Assessment, Episode, Event, Inbound, Note, Patient, Staff
from monitor.queries import wherever
from monitor.worklists.event_words import WORDS, in_words
from monitor.worklists.paging_words import KINDS as PAGING
from monitor.worklists.paging_words import Step, fold
from monitor.worklists.text_words import WHERE, what_text

SHOWN = 150  # of each kind, the newest
PAGING_READ = 2000  # steps of paging, which are told in a few lines
SHORTLY_BEFORE = timedelta(days=7)  # what an unknown number wrote may be why it was enrolled
# What else happened that somebody who treats this patient must know; the audit log has the rest.
TOLD = (
    "alert_opened",
    "alert_raised",
    "alert_taken",
    "alert_handed_over",
    "alert_given_back",
    "outcome",
    "outcome_overdue",
    "promise_slipped",
    "enrolled",
    "episode_changed",
    "episode_cancelled",
    "paused",
    "resumed",
    "contact_changed",
    "opted_out",
    "opted_in",
    "wrong_number",
    "protocol_moved",
)
NEXT_STEPS: Mapping[str, str] = {
    Disposition.ALERT: "staff are told",
    Disposition.REVIEW: "a person reads it",
    Disposition.ASK: "not understood: asked again",
    Disposition.CLOSE: "nothing to do",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text was read, rule by rule, together with what was said before it; and, where a clinician overruled it,
    what they said instead. `present` and `pain` are what this text alone says. `day` is the one by whose rules it was
    read, `day_now` the text's day by the date of surgery that is known by now."""

    id: int
    band: Band
    day: int
    day_now: int
    next_step: str
    judged: bool
    reasons: Sequence[Mapping[str, Any]]
    present: tuple[str, ...]
    pain: int | None
    version: int
    correction: str | None = None  # of this reading: what it corrects, and why
    corrected_by: str | None = None
    overruled: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `look` is how it is drawn: in, out, note or event."""

    at: datetime
    look: str
    title: str
    body: str = ""
    state: str = ""
    trouble: bool = False
    alert_id: int | None = None
    readings: Sequence[Reading] = field(default_factory=tuple)


def timeline(
    session: Session,
    patient: Patient,
    zone: ZoneInfo,
    names: Mapping[str, str],
    outcomes: Mapping[str, Outcome],
) -> list[Entry]:
    """The newest first, on the clinic's clock. `names` are the signs' as staff read them, `outcomes` the protocol's."""
    people = {p.id: p.name for p in session.scalars(select(Staff).where(Staff.clinic_id == patient.clinic_id))}
    told = [
        *_texts_in(session, patient, people, names),
        *_notes(session, patient, people),
        *_events(session, patient, people, zone, outcomes),
    ]
    # What came last of things of one moment stands first here: an alert is opened, then paged.
    entries = [*_paging(session, patient, told, zone), *_texts_out(session, patient), *told]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return [_on_clock(entry, zone) for entry in entries]


def _on_clock(entry: Entry, zone: ZoneInfo) -> Entry:
    return Entry(**{**{name: getattr(entry, name) for name in Entry.__slots__}, "at": entry.at.astimezone(zone)})


def _texts_out(session: Session, patient: Patient) -> Iterable[Entry]:
    """What was sent, or should have been; what is still planned stands elsewhere."""
    columns = ("id", "once", "kind", "body", "state", "why", "due_at", "claimed_at", "sent_at", "ended_at", "alert_id")
    sent = wherever(
        lambda texts: select(*(getattr(texts, name) for name in columns)).where(
            texts.patient_id == patient.id, texts.state != State.PLANNED, texts.state != State.SKIPPED
        )
    )
    for row in session.execute(sent.order_by("id")).all()[-SHOWN:]:
        lost = row.state in LOST
        written = "Text from the staff" if row.once.startswith("console:") else what_text(row.kind, row.once)
        yield Entry(
            at=row.sent_at or row.claimed_at or row.ended_at or row.due_at,
            look="out",
            title=written,
            body=row.body or "",
            state=WHERE[State(row.state)] + (f": {row.why}" if row.why else ""),
            trouble=lost and row.kind != Kind.PAGE,
            alert_id=row.alert_id,
        )


def _texts_in(
    session: Session, patient: Patient, people: Mapping[int, str], names: Mapping[str, str]
) -> Iterable[Entry]:
    found = session.scalars(
        select(Inbound).where(_is_theirs(session, patient)).order_by(Inbound.id.desc()).limit(SHOWN)
    ).all()
    readings = _readings(session, patient, {text.id: text.received_at for text in found}, people, names)
    for text in found:
        pictures = f" (with {text.media} picture{'s' if text.media > 1 else ''})" if text.media else ""
        yield Entry(
            at=text.received_at,
            look="in",
            title="The patient wrote" + pictures,
            body=text.body,
            state="" if text.handled_at else "not read yet",
            readings=readings.get(text.id, ()),
        )


def _is_theirs(session: Session, patient: Patient) -> ColumnElement[bool]:
    """What was read for this patient; of what was read for nobody, what came since the number is theirs, or shortly
    before: a number may have been somebody else's, at another clinic too."""
    read = select(Assessment.inbound_id).where(Assessment.patient_id == patient.id)
    anybodys = select(Assessment.id).where(Assessment.inbound_id == Inbound.id).exists()
    changes = select(Event.at, Event.detail).where(Event.patient_id == patient.id, Event.kind == "contact_changed")
    moved = [at for at, detail in session.execute(changes) if "phone" in detail.get("fields", ())]
    since = max([patient.created_at, *moved]) - SHORTLY_BEFORE
    unread = and_(Inbound.from_number == patient.phone, Inbound.received_at >= since, ~anybodys)
    return or_(Inbound.id.in_(read), and_(unread, Inbound.result.is_distinct_from("staff")))


def _readings(
    session: Session,
    patient: Patient,
    texts: Mapping[int, datetime],
    people: Mapping[int, str],
    names: Mapping[str, str],
) -> Mapping[int, Sequence[Reading]]:
    """By the id of each of these texts; beside each stands when it was received."""
    rows = session.scalars(
        select(Assessment)
        .where(Assessment.patient_id == patient.id, Assessment.inbound_id.in_(list(texts)))
        .order_by(Assessment.id)
    ).all()
    overruled = {row.corrects_id for row in rows}
    mine = select(Episode.id, Episode.surgery_on).where(Episode.patient_id == patient.id)
    surgeries = {episode.id: episode.surgery_on for episode in session.execute(mine)}
    zone = ZoneInfo(patient.timezone)
    found: dict[int, list[Reading]] = {}
    for row in rows:
        assert row.inbound_id is not None
        surgery_on = surgeries.get(row.episode_id or 0)
        day_now = row.day if surgery_on is None else day_of_text(surgery_on, texts[row.inbound_id], zone)
        found.setdefault(row.inbound_id, []).append(
            _reading(row, people, names, day_now=day_now, overruled=row.id in overruled)
        )
    return found


def _reading(
    row: Assessment, people: Mapping[int, str], names: Mapping[str, str], *, day_now: int, overruled: bool
) -> Reading:
    own, band = row.reading, Band(row.band)
    return Reading(
        id=row.id,
        band=band,
        day=row.day,
        day_now=day_now,
        next_step=NEXT_STEPS.get(row.disposition, row.disposition),
        judged=band > Band.EXPECTED or row.disposition == Disposition.CLOSE,
        reasons=row.reasons,
        present=tuple(names.get(sign, sign) for sign, said in own["signs"].items() if said == Presence.PRESENT),
        pain=own["pain"],
        version=row.protocol_version_id,
        correction=row.correction,
        corrected_by=people.get(row.corrected_by_id or 0, "somebody") if row.corrects_id else None,
        overruled=overruled,
    )


def _notes(session: Session, patient: Patient, people: Mapping[int, str]) -> Iterable[Entry]:
    found = select(Note).where(Note.patient_id == patient.id).order_by(Note.id.desc()).limit(SHOWN)
    for note in session.scalars(found):
        by = people.get(note.staff_id, "Somebody")
        yield Entry(at=note.at, look="note", title=f"Note by {by}", body=note.text, alert_id=note.alert_id)


def _events(
    session: Session,
    patient: Patient,
    people: Mapping[int, str],
    zone: ZoneInfo,
    outcomes: Mapping[str, Outcome],
) -> Iterable[Entry]:
    """What is told of the patient, and of their alerts."""
    for event in session.scalars(_of(patient).where(Event.kind.in_(TOLD)).limit(SHOWN)):
        title = in_words(event.kind, event.detail, actor=event.actor, people=people, zone=zone, outcomes=outcomes)
        yield Entry(at=event.at, look="event", title=title, alert_id=event.alert_id)


def _of(patient: Patient) -> Select[Event]:
    """The newest first."""
    alerts = select(Alert.id).where(Alert.patient_id == patient.id)
    theirs = or_(Event.patient_id == patient.id, Event.alert_id.in_(alerts))
    return select(Event).where(theirs).order_by(Event.id.desc())


def _paging(session: Session, patient: Patient, told: Iterable[Entry], zone: ZoneInfo) -> Iterable[Entry]:
    """An alert that nobody takes is paged for a hundred times: that is told in a line, and not in a hundred. The
    program's own excuses to the patient do not cut it."""
    events = session.scalars(_of(patient).where(Event.kind.in_(PAGING)).limit(PAGING_READ))
    steps = [Step(event.at, event.kind, str(event.detail.get("stage", "")), event.alert_id or 0) for event in events]
    cuts = sorted(entry.at for entry in told if entry.title != WORDS["promise_slipped"])
    for run in fold(steps, cuts, zone):
        yield Entry(at=run.at, look="event", title=run.words, alert_id=run.alert_id or None)
