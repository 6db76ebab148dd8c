"""What enrolling somebody would do: the mistakes in what was typed, who is known already, and what would be sent
when. Nothing is written, so that a form can ask as often as it likes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.beside import Beside, FollowUp, Recipient
from monitor.domain.bundle import Bundle
from monitor.domain.delivery import State
from monitor.domain.foretell import Fate, foretell
from monitor.domain.localtime import Window, local_date
from monitor.domain.plan import SPREAD, WELCOME, Planned
from monitor.domain.sending import Kind
from monitor.errors import BadInput
from monitor.models import Clinic, Episode, Patient
from monitor.services.compose import patient_text
from monitor.services.enrol import Enrolment, check_enrolment, new_episode, new_patient
from monitor.services.enrolment_table import NEEDED, read_enrolment
from monitor.services.outbox import texted
from monitor.services.plan import calendar_of
from monitor.services.seed import current_version
from monitor.worklists.foretold import waiting_texts
from monitor.worklists.text_words import what_text

A_MOMENT = timedelta(minutes=1)
NEW_EPISODE = 0  # the number of one that is not written down


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A text that would be sent: on which local date, at what time in words, and how it reads."""

    leaves_at: datetime
    on: date
    day: int
    at: str
    what: str
    text: str
    why: str | None = None  # it would be left out


@dataclass(frozen=True, slots=True)
class Known:
    """A patient of this clinic on the number that was typed; `episode_id` is theirs of the same date of surgery."""

    patient_id: int
    name: str
    opted_out: bool
    bad_number: bool
    episode_id: int | None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The texts in order of time, those that are left out, and who has the number already."""

    zone: str
    texts: tuple[Upcoming, ...]
    left_out: tuple[Upcoming, ...]
    known: Known | None
    others: tuple[Known, ...]


def check_typed(
    clinic: Clinic, texts: Mapping[str, str], risks: Sequence[str], bundle: Bundle, *, now: datetime
) -> tuple[Enrolment, dict[str, BadInput]]:
    """Every field that cannot be used, by its name, and the enrolment with something usable in its place: each is
    checked by the very code that enrols, so that the form and the enrolment never disagree."""
    usable = dict.fromkeys(NEEDED, "") | dict(texts)
    instead = {"name": "A", "phone": "+12025550123", "surgery": now.date().isoformat(), "consent": "form"}
    wrong: dict[str, BadInput] = {}
    while True:
        try:
            return check_enrolment(clinic, read_enrolment(usable, risks), bundle, now=now), wrong
        except BadInput as error:
            if error.field in wrong:
                raise  # not a field of the form: the clinic's own zone, for one
            wrong[error.field] = error
            usable.pop(error.field, None)
            usable |= {name: text for name, text in instead.items() if name == error.field}
            risks = () if error.field == "risk" else risks


def foresee(
    session: Session,
    clinic: Clinic,
    given: Enrolment,
    bundle: Bundle,
    *,
    now: datetime,
    unusable: Collection[str] = (),
) -> Foreseen:
    """What would come of an enrolment that has been checked. In the `unusable` fields stands what nobody has typed:
    nobody is looked up by it."""
    people = [] if "phone" in unusable else _people_on(session, clinic, given)
    named = "" if "name" in unusable else given.name.casefold()
    known = next((one for one in people if one.name.casefold() == named), None)
    patient = new_patient(clinic, given, now=now)
    patient.id = known.patient_id if known else 0
    episode = new_episode(patient, given, current_version(session).id, now=now)
    welcome = known is None or not texted(session, {known.patient_id})
    rows = calendar_of(episode, bundle, welcome=welcome, now=now)
    fates = _fates(session, episode, rows, known, now=now)
    texts = [_upcoming(row, fates.get(row.key), episode, bundle, now=now) for row in rows]
    return Foreseen(
        zone=patient.timezone,
        texts=tuple(sorted((text for text in texts if text.why is None), key=lambda text: text.leaves_at)),
        left_out=tuple(text for text in texts if text.why is not None),
        known=known,
        others=tuple(one for one in people if one is not known),
    )


def _fates(
    session: Session, episode: Episode, rows: Sequence[Planned], known: Known | None, *, now: datetime
) -> Mapping[str, Fate]:
    """What the worker will make of the new texts beside those that the patient gets already, by their keys."""
    there = waiting_texts(session, {known.patient_id}, now).get(known.patient_id) if known else None
    patient, clinic = episode.patient, episode.patient.clinic
    # Enrolling says that the number is right; an opt-out stays.
    to = Recipient(
        zone=ZoneInfo(patient.timezone),
        texting=Window(clinic.texting_from, clinic.texting_until),
        opted_out=known is not None and known.opted_out,
    )
    before = {str(number): text for number, text in there.texts.items()} if there else {}
    new = {row.key: _beside(row) for row in rows if row.skip is None}
    episodes: dict[int | None, FollowUp] = {NEW_EPISODE: FollowUp(episode.surgery_on)}
    fates = foretell(before | new, to, episodes | (there.episodes if there else {}), now)
    return {row.key: fates[row.key] for row in rows if row.key in fates}


def _beside(row: Planned) -> Beside:
    return Beside(
        kind=_kind(row),
        state=State.PLANNED,
        episode_id=NEW_EPISODE,
        checkin_day=row.day if _kind(row) == Kind.CHECKIN else None,
        due_at=row.due_at,
        expires_at=row.expires_at,
    )


def _kind(row: Planned) -> Kind:
    return Kind(row.step.kind.value) if row.step else Kind.WELCOME


def _people_on(session: Session, clinic: Clinic, given: Enrolment) -> list[Known]:
    mine = select(Patient).where(Patient.clinic_id == clinic.id, Patient.phone == given.phone).order_by(Patient.id)
    patients = session.scalars(mine).all()
    same_day = select(Episode.patient_id, Episode.id).where(
        Episode.patient_id.in_([patient.id for patient in patients]),
        Episode.surgery_on == given.surgery_on,
        Episode.cancelled_at.is_(None),
    )
    episodes = {row.patient_id: row.id for row in session.execute(same_day)}
    return [
        Known(p.id, p.name, p.opted_out_at is not None, p.bad_number_at is not None, episodes.get(p.id))
        for p in patients
    ]


def _upcoming(row: Planned, fate: Fate | None, episode: Episode, bundle: Bundle, *, now: datetime) -> Upcoming:
    """`fate` is what the worker will make of it, where it is not left out from the beginning."""
    patient = episode.patient
    zone = ZoneInfo(patient.timezone)
    leaves_at = fate.at if fate else row.due_at
    return Upcoming(
        leaves_at=leaves_at,
        on=local_date(leaves_at, zone),
        day=(local_date(leaves_at, zone) - episode.surgery_on).days,
        at=_hour_in_words(row, leaves_at, episode, now=now),
        what=what_text(_kind(row), f"plan::{row.key}"),
        text=patient_text(bundle, patient, row.step.message if row.step else WELCOME, day=row.day),
        why=row.skip or (fate.why if fate else "") or None,
    )


def _hour_in_words(row: Planned, leaves_at: datetime, episode: Episode, *, now: datetime) -> str:
    zone, begin = ZoneInfo(episode.patient.timezone), episode.patient.clinic.checkin_at
    at = leaves_at.astimezone(zone)
    if leaves_at <= now + A_MOMENT:  # the first text, and what follows it
        return "at once"
    if row.step is not None and row.step.at is None and at.time() == row.due_at.astimezone(zone).time():
        # Somewhere within the hour, by the number that the patient is not given yet.
        return f"{begin:%H:%M}\u2013{(datetime.combine(at, begin) + SPREAD):%H:%M}"
    return f"{at:%H:%M}"
