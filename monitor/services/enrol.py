"""Enrol a patient: check what was given, write the episode and its whole calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.domain.bundle import Bundle
from monitor.domain.delivery import State
from monitor.domain.localtime import Window, local_date
from monitor.domain.phone import parse_phone
from monitor.domain.plan import HORIZON, WELCOME, Course, Planned, plan_episode, plan_welcome
from monitor.domain.protocol import StepKind
from monitor.domain.sending import PRIORITY, Kind
from monitor.errors import BadInput
from monitor.locking import hold
from monitor.models import CheckIn, Clinic, Episode, Message, Patient
from monitor.services.audit import record
from monitor.services.clinic import check_name, check_zone, region_of
from monitor.services.outbox import cancel
from monitor.services.seed import bundle_of, current_version
from monitor.services.settle import add_task

AHEAD = timedelta(days=30)
OLDEST_YEARS = 10
STITCHES = ("none", "dissolving", "removable")
JAWS = ("upper", "lower")
AFTER_WELCOME = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the front desk gives. `consent` says how it was given ("signed form 12")."""

    name: str
    phone: str
    surgery_on: date
    consent: str
    surgery_time: time | None = None
    timezone: str | None = None
    language: str = "en"
    chart: str | None = None
    site: str | None = None
    jaw: str | None = None
    two_stage: bool = False
    stitches: str = "none"
    flap: bool = False
    risks: tuple[str, ...] = field(default=())


def enrol(session: Session, clinic: Clinic, given: Enrolment, *, now: datetime) -> Episode:
    """Write patient, episode and plan in one transaction. Raises BadInput naming the field."""
    version = current_version(session)
    bundle = bundle_of(session, version.id)
    checked = check_enrolment(clinic, given, bundle, now=now)
    hold(session, checked.phone)
    patient = _find_or_add_patient(session, clinic, checked, now=now)
    if _has_episode(session, patient, checked.surgery_on):
        raise BadInput("surgery", checked.surgery_on.isoformat(), "a date on which this patient has no episode yet")
    episode = Episode(
        patient_id=patient.id,
        protocol_version_id=version.id,
        surgery_on=checked.surgery_on,
        surgery_time=checked.surgery_time,
        site=checked.site,
        jaw=checked.jaw,
        two_stage=checked.two_stage,
        stitches=checked.stitches,
        flap=checked.flap,
        risks=sorted(set(checked.risks)),
        planned_until=now + HORIZON,
        created_at=now,
        patient=patient,
    )
    session.add(episode)
    session.flush()
    record(session, "enrolled", at=now, patient_id=patient.id, episode=episode.id, version=version.id)
    write_plan(session, episode, bundle, now=now)
    if patient.opted_out_at is not None:  # no text will leave: somebody must speak to them
        once = f"opted_out:episode:{episode.id}"
        add_task(session, "opted_out", once, clinic_id=clinic.id, patient_id=patient.id, now=now)
    return episode


def check_enrolment(clinic: Clinic, given: Enrolment, bundle: Bundle, *, now: datetime) -> Enrolment:
    """The same, tidied; BadInput at the first field that cannot be used."""
    zone = check_zone("timezone", given.timezone or clinic.timezone)
    today = local_date(now, ZoneInfo(zone))
    if given.surgery_on > today + AHEAD:
        raise BadInput("surgery", given.surgery_on.isoformat(), f"a date no later than {today + AHEAD}")
    if given.surgery_on < today - timedelta(days=OLDEST_YEARS * 365):
        raise BadInput("surgery", given.surgery_on.isoformat(), f"a date within the last {OLDEST_YEARS} years")
    _one_of("language", given.language, bundle.languages)
    _one_of("stitches", given.stitches, STITCHES)
    if given.jaw is not None:
        _one_of("jaw", given.jaw, JAWS)
    for risk in given.risks:
        _one_of("risk", risk, sorted(bundle.protocol.risks))
    if not given.consent.strip():
        raise BadInput("consent", given.consent, "how the patient agreed to be texted, such as 'signed form'")
    return replace(
        given,
        name=check_name("name", given.name),
        phone=parse_phone("phone", given.phone, region=region_of(clinic)),
        consent=check_name("consent", given.consent, 200),
        timezone=zone,
        chart=check_name("chart", given.chart, 40) if given.chart else None,
        site=check_name("site", given.site, 40) if given.site else None,
    )


def write_plan(session: Session, episode: Episode, bundle: Bundle, *, now: datetime) -> None:
    """Write or rewrite the rows of the calendar that have not left yet. What was sent stays sent."""
    course = course_of(episode)
    rows = plan_episode(bundle.protocol, course, now, until=max(episode.planned_until, now))
    if _gets_welcome(session, episode):
        welcome = plan_welcome(course, now)
        rows = [welcome, *(_after(row, welcome) for row in rows)]
    written = _written(session, episode)
    for row in rows:
        _write_row(session, episode, row, written.pop(row.key, None), now=now)
    for key, message in written.items():
        if key != WELCOME and message.state == State.PLANNED:
            _drop_row(session, message, now=now)


def course_of(episode: Episode) -> Course:
    """What the plan depends on, read off the rows."""
    patient, clinic = episode.patient, episode.patient.clinic
    return Course(
        surgery_on=episode.surgery_on,
        zone=ZoneInfo(patient.timezone),
        hour=clinic.checkin_at,
        texting=Window(clinic.texting_from, clinic.texting_until),
        traits=traits_of(episode),
        spread_key=f"{clinic.id}:{patient.id}",
    )


def traits_of(episode: Episode, on: date | None = None) -> frozenset[str]:
    """The facts of an episode that steps and rules ask for, as of a date."""
    fitted = episode.crown_on is not None and (on is None or episode.crown_on <= on)
    traits = {"crown_fitted" if fitted else "not_crown_fitted"}
    traits |= {episode.jaw} if episode.jaw else set()
    traits |= {"two_stage"} if episode.two_stage else set()
    traits |= {"flap"} if episode.flap else set()
    if episode.stitches == "removable":
        traits |= {
            "removable_stitches",
            "removable_stitches_flap" if episode.flap else "removable_stitches_plain",
        }
    return frozenset(traits)


def _written(session: Session, episode: Episode) -> dict[str, Message]:
    """The episode's calendar as it stands in the outbox, by the key of each step."""
    rows = session.scalars(
        select(Message)
        .where(Message.episode_id == episode.id, Message.once.startswith(f"plan:{episode.id}:"))
        .with_for_update(key_share=True)
    )
    return {row.once.split(":", 2)[2]: row for row in rows}


def _write_row(session: Session, episode: Episode, row: Planned, message: Message | None, *, now: datetime) -> None:
    if message is None:
        message = _new_row(session, episode, row, now=now)
    elif message.state not in {State.PLANNED, State.SKIPPED, State.CANCELLED, State.EXPIRED} or message.sid:
        return
    elif message.state != State.PLANNED and row.skip:
        return  # it has ended and stays so, with the reason that it ended for
    message.template = row.step.message if row.step else WELCOME
    message.question, message.due_at, message.expires_at = _asks(row), row.due_at, row.expires_at
    message.state = State.SKIPPED if row.skip else State.PLANNED
    message.why, message.ended_at = row.skip, now if row.skip else None
    if message.checkin_id:
        checkin = session.get_one(CheckIn, message.checkin_id)
        checkin.day, checkin.closed_at = row.day, message.ended_at
        checkin.state = "skipped" if row.skip else "planned"


def _drop_row(session: Session, message: Message, *, now: datetime) -> None:
    """The calendar no longer has this step, or has it beyond what is written out."""
    if cancel(session, message, why="no longer in the calendar", now=now) and message.checkin_id:
        checkin = session.get_one(CheckIn, message.checkin_id)
        checkin.state, checkin.closed_at = "cancelled", now


def _new_row(session: Session, episode: Episode, row: Planned, *, now: datetime) -> Message:
    kind = Kind(row.step.kind.value) if row.step else Kind.WELCOME
    checkin = _add_checkin(session, episode, row) if kind == Kind.CHECKIN else None
    message = Message(
        once=f"plan:{episode.id}:{row.key}",
        clinic_id=episode.patient.clinic_id,
        patient_id=episode.patient_id,
        episode_id=episode.id,
        checkin_id=checkin.id if checkin else None,
        kind=kind,
        to_number=episode.patient.phone,
        priority=PRIORITY[kind],
        created_at=now,
    )
    session.add(message)
    return message


def _add_checkin(session: Session, episode: Episode, row: Planned) -> CheckIn:
    checkin = CheckIn(episode_id=episode.id, step=row.key, day=row.day)
    session.add(checkin)
    session.flush()
    return checkin


def _asks(row: Planned) -> str | None:
    if row.step is None:
        return None
    by_kind = {StepKind.CHECKIN: "pain", StepKind.REMINDER: "reminder", StepKind.SAFETY: "checkin_open"}
    return row.step.question or by_kind.get(row.step.kind)


def _after(row: Planned, welcome: Planned) -> Planned:
    """What is due already follows the welcome, it does not overtake it."""
    earliest = welcome.due_at + AFTER_WELCOME
    return row if row.skip or row.due_at >= earliest else replace(row, due_at=earliest)


def _gets_welcome(session: Session, episode: Episode) -> bool:
    """The first text of this patient, or one that is planned and not sent yet."""
    sent = select(func.count()).where(Message.patient_id == episode.patient_id, Message.sid.is_not(None))
    return not session.scalar(sent)


def _find_or_add_patient(session: Session, clinic: Clinic, given: Enrolment, *, now: datetime) -> Patient:
    same = select(Patient).where(Patient.clinic_id == clinic.id, Patient.phone == given.phone)
    for patient in session.scalars(same):
        if patient.name.casefold() == given.name.casefold():
            patient.timezone, patient.language = given.timezone or patient.timezone, given.language
            patient.chart = given.chart or patient.chart
            patient.bad_number_at = None
            patient.consented_at, patient.consent_how = now, given.consent
            record(session, "consent_given", at=now, patient_id=patient.id)
            return patient
    patient = Patient(
        clinic_id=clinic.id,
        name=given.name,
        phone=given.phone,
        timezone=given.timezone or clinic.timezone,
        language=given.language,
        chart=given.chart,
        consented_at=now,
        consent_how=given.consent,
        created_at=now,
        clinic=clinic,
    )
    session.add(patient)
    session.flush()
    return patient


def _has_episode(session: Session, patient: Patient, surgery_on: date) -> bool:
    found = select(Episode.id).where(
        Episode.patient_id == patient.id, Episode.surgery_on == surgery_on, Episode.cancelled_at.is_(None)
    )
    return session.scalar(found) is not None


def _one_of(field: str, found: str, allowed: Sequence[str]) -> None:
    if found not in allowed:
        raise BadInput(field, found, "one of " + ", ".join(allowed))
