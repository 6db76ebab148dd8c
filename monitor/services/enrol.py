"""Enrol patients: check what was given, write the episodes and their whole calendars."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.domain.bundle import Bundle
from monitor.domain.localtime import local_date
from monitor.domain.phone import parse_phone
from monitor.domain.plan import HORIZON
from monitor.errors import BadInput
from monitor.locking import give_way, hold, take_ids
from monitor.models import Clinic, Episode, Patient, ProtocolVersion, Staff
from monitor.services.audit import act_as, record_many
from monitor.services.clinic import check_name, check_zone, region_of, the_clinic
from monitor.services.outbox import texted
from monitor.services.plan import calendar_of, write_rows
from monitor.services.seed import bundle_of, current_version
from monitor.services.settle import add_task

AHEAD = timedelta(days=30)
OLDEST_YEARS = 10
STITCHES = ("none", "dissolving", "removable")
JAWS = ("upper", "lower")
BATCH = 500  # patients who are enrolled in one transaction: their phones are held, and on SQLite everybody waits
Person = tuple[str, str]  # a phone, and the name in one case: two people may share a phone


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
    (enrolled,) = enrol_many(session, clinic, [given], now=now)
    if isinstance(enrolled, BadInput):
        raise enrolled
    return enrolled


def enrol_many(
    session: Session, clinic: Clinic, given: Sequence[Enrolment], *, now: datetime
) -> list[Episode | BadInput]:
    """The same for some hundreds at once, of whom one that is refused spoils no other: for each, in their order,
    the episode or why there is none. Every phone among them is held until the transaction ends."""
    version = current_version(session)
    bundle = bundle_of(session, version.id)
    checked = [_checked(clinic, each, bundle, now=now) for each in given]
    hold(session, *(each.phone for each in checked if isinstance(each, Enrolment)))
    desk = _Desk(session, clinic, version, now)
    accepted = desk.accept(checked)
    enrolled = [desk.enrol(each) if isinstance(each, Enrolment) else each for each in accepted]
    desk.write([each for each in enrolled if isinstance(each, Episode)], bundle)
    return enrolled


def check_many(
    session: Session, clinic: Clinic, given: Sequence[Enrolment], *, now: datetime
) -> list[Enrolment | BadInput]:
    """Whom enrolling all of these would refuse, and why. Nothing is held and nothing is written."""
    version = current_version(session)
    bundle = bundle_of(session, version.id)
    return _Desk(session, clinic, version, now).accept([_checked(clinic, each, bundle, now=now) for each in given])


def enrol_all(
    sessions: Sessions, given: Sequence[Enrolment], clock: Clock, *, clinic_id: int | None = None, by: int | None = None
) -> Iterator[tuple[Enrolment, Episode | BadInput]]:
    """Any number, of one clinic, batch by batch: each with what came of it, once that is committed. `by` is the id
    of whoever of the staff does this."""
    for first in range(0, len(given), BATCH):
        batch = given[first : first + BATCH]
        with transaction(sessions) as session:
            if by is not None:
                act_as(session, session.get_one(Staff, by))
            enrolled = enrol_many(session, the_clinic(session, clinic_id), batch, now=clock.now())
        yield from zip(batch, enrolled, strict=True)
        give_way(session)


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


def new_patient(clinic: Clinic, given: Enrolment, *, now: datetime) -> Patient:
    """Somebody who has never been here, not written down yet."""
    return Patient(
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


def new_episode(patient: Patient, given: Enrolment, version_id: int, *, now: datetime) -> Episode:
    """Their surgery and what follows, not written down yet."""
    return Episode(
        patient=patient,
        protocol_version_id=version_id,
        surgery_on=given.surgery_on,
        surgery_time=given.surgery_time,
        site=given.site,
        jaw=given.jaw,
        two_stage=given.two_stage,
        stitches=given.stitches,
        flap=given.flap,
        risks=sorted(set(given.risks)),
        planned_until=now + HORIZON,
        created_at=now,
    )


def _checked(clinic: Clinic, given: Enrolment, bundle: Bundle, *, now: datetime) -> Enrolment | BadInput:
    try:
        return check_enrolment(clinic, given, bundle, now=now)
    except BadInput as refusal:
        return refusal


@dataclass
class _Desk:
    """Who is enrolled together: those who were known before, and what they have already."""

    session: Session
    clinic: Clinic
    version: ProtocolVersion
    now: datetime
    patients: dict[Person, Patient] = field(default_factory=dict)
    new: list[Patient] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    taken: set[tuple[Person, date]] = field(default_factory=set)  # dates on which somebody has an episode

    def accept(self, checked: Sequence[Enrolment | BadInput]) -> list[Enrolment | BadInput]:
        """The same, less whoever has an episode of that date, from before or from further up."""
        self._look_up({each.phone for each in checked if isinstance(each, Enrolment)})
        return [self._claim(each) if isinstance(each, Enrolment) else each for each in checked]

    def _look_up(self, phones: Collection[str]) -> None:
        """Who is known on these phones; several may share one."""
        same = select(Patient).where(Patient.clinic_id == self.clinic.id, Patient.phone.in_(phones))
        people = {patient.id: patient for patient in self.session.scalars(same.order_by(Patient.id.desc()))}
        self.known = set(people)
        self.patients = {_person(patient): patient for patient in people.values()}
        open_ones = select(Episode.patient_id, Episode.surgery_on).where(
            Episode.patient_id.in_(people), Episode.cancelled_at.is_(None)
        )
        found = self.session.execute(open_ones)
        self.taken = {(_person(people[patient_id]), surgery_on) for patient_id, surgery_on in found}

    def _claim(self, given: Enrolment) -> Enrolment | BadInput:
        date_of_person = (_person(given), given.surgery_on)
        if date_of_person in self.taken:
            found = given.surgery_on.isoformat()
            return BadInput("surgery", found, "a date on which this patient has no episode yet")
        self.taken.add(date_of_person)
        return given

    def enrol(self, given: Enrolment) -> Episode:
        """The new episode of somebody known or new."""
        person = _person(given)
        if person in self.patients:
            self._renew(self.patients[person], given)
        else:
            self.patients[person] = new_patient(self.clinic, given, now=self.now)
            self.session.add(self.patients[person])
            self.new.append(self.patients[person])
        episode = new_episode(self.patients[person], given, self.version.id, now=self.now)
        self.session.add(episode)
        return episode

    def write(self, episodes: Sequence[Episode], bundle: Bundle) -> None:
        """Write the episodes with their calendars, and list for the front desk whom no text will reach."""
        for patient, number in zip(self.new, take_ids(self.session, Patient, len(self.new)), strict=True):
            patient.id = number
        for episode, number in zip(episodes, take_ids(self.session, Episode, len(episodes)), strict=True):
            episode.id = number
        self.session.flush()
        self._note(episodes)
        already = texted(self.session, self.known)
        rows = [
            (episode, row)
            for episode in episodes
            for row in calendar_of(episode, bundle, welcome=episode.patient_id not in already, now=self.now)
        ]
        write_rows(self.session, rows, now=self.now)

    def _note(self, episodes: Sequence[Episode]) -> None:
        enrolled = [
            {"patient_id": e.patient_id, "detail": {"episode": e.id, "version": self.version.id}} for e in episodes
        ]
        again = [{"patient_id": e.patient_id, "detail": {}} for e in episodes if e.patient_id in self.known]
        record_many(self.session, "consent_given", again, at=self.now)
        record_many(self.session, "enrolled", enrolled, at=self.now)
        for episode in episodes:
            patient = episode.patient
            if patient.opted_out_at is not None:  # no text will leave: somebody must speak to them
                once, clinic = f"opted_out:episode:{episode.id}", patient.clinic_id
                add_task(self.session, "opted_out", once, clinic_id=clinic, patient_id=patient.id, now=self.now)

    def _renew(self, patient: Patient, given: Enrolment) -> None:
        """What was said last counts."""
        patient.timezone, patient.language = given.timezone or patient.timezone, given.language
        patient.chart = given.chart or patient.chart
        patient.bad_number_at = None
        patient.consented_at, patient.consent_how = self.now, given.consent


def _person(who: Enrolment | Patient) -> Person:
    return who.phone, who.name.casefold()


def _one_of(field: str, found: str, allowed: Sequence[str]) -> None:
    if found not in allowed:
        raise BadInput(field, found, "one of " + ", ".join(allowed))
