"""Whose phone a number is: patients, staff, a clinic's last resort, or somebody unknown who wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import State
from monitor.domain.plan import postop_day
from monitor.domain.terms import Band
from monitor.models import Alert, Clinic, Episode, Message, Patient, Staff


@dataclass(frozen=True, slots=True)
class Badge:
    """A word beside the owner's name; `look` picks its colour."""

    words: str
    look: str


@dataclass(frozen=True, slots=True)
class Owner:
    """One of the people a number belongs to. `zone` is the clock on that phone."""

    kind: str  # patient | staff | resort | stranger
    name: str
    initials: str
    about: str
    zone: ZoneInfo
    badges: tuple[Badge, ...] = ()
    next_at: datetime | None = None  # when the next text to this person is due
    searched: str = ""


def owners_of_phones(session: Session, now: datetime) -> dict[str, list[Owner]]:
    """Every number that somebody here has, staff before patients."""
    owners: dict[str, list[Owner]] = {}
    zones = {clinic.id: ZoneInfo(clinic.timezone) for clinic in session.scalars(select(Clinic))}
    for person in session.scalars(select(Staff).where(Staff.left_at.is_(None)).order_by(Staff.tier, Staff.id)):
        owners.setdefault(person.phone, []).append(_staff(person, zones[person.clinic_id]))
    for clinic in session.scalars(select(Clinic).where(Clinic.last_resort_phone.is_not(None))):
        owners.setdefault(str(clinic.last_resort_phone), []).append(_last_resort(clinic))
    for number, owner in _patients(session, now):
        owners.setdefault(number, []).append(owner)
    return owners


def stranger(zone: ZoneInfo) -> Owner:
    """Somebody who is nobody's patient and no staff."""
    return Owner("stranger", "Unknown number", "?", "Nobody's patient", zone, searched="unknown number")


def _staff(person: Staff, zone: ZoneInfo) -> Owner:
    searched = f"{person.name} staff".casefold()
    return Owner("staff", person.name, initials_of(person.name), f"Staff, tier {person.tier}", zone, searched=searched)


def _last_resort(clinic: Clinic) -> Owner:
    zone = ZoneInfo(clinic.timezone)
    return Owner("resort", "Last resort", "LR", "Paged when nobody takes it", zone, searched="last resort")


def _patients(session: Session, now: datetime) -> list[tuple[str, Owner]]:
    upcoming = _next_texts(session)
    alerts = _open_bands(session)
    latest = {
        episode.patient_id: episode
        for episode in session.scalars(
            select(Episode).where(Episode.cancelled_at.is_(None)).order_by(Episode.surgery_on, Episode.id)
        )
    }
    return [
        (
            patient.phone,
            _patient(patient, latest.get(patient.id), upcoming.get(patient.id), alerts.get(patient.id), now=now),
        )
        for patient in session.scalars(select(Patient).order_by(Patient.id))
    ]


def _next_texts(session: Session) -> Mapping[int | None, datetime]:
    found = session.execute(
        select(Message.patient_id, func.min(Message.due_at))
        .where(Message.state == State.PLANNED)
        .group_by(Message.patient_id)
    )
    return dict(found.all())


def _open_bands(session: Session) -> Mapping[int | None, Band]:
    bands: dict[int | None, Band] = {}
    for patient_id, band in session.execute(select(Alert.patient_id, Alert.band).where(Alert.closed_at.is_(None))):
        bands[patient_id] = max(Band(band), bands.get(patient_id, Band.EXPECTED))
    return bands


def _patient(
    patient: Patient, episode: Episode | None, next_at: datetime | None, band: Band | None, *, now: datetime
) -> Owner:
    zone = ZoneInfo(patient.timezone)
    badges = [Badge(band, band)] if band else []
    badges += [Badge("opted out", "quiet")] if patient.opted_out_at else []
    badges += [Badge("wrong number", "quiet")] if patient.bad_number_at else []
    return Owner(
        kind="patient",
        name=patient.name,
        initials=initials_of(patient.name),
        about=_day_of(episode, now, zone),
        zone=zone,
        badges=tuple(badges),
        next_at=next_at.astimezone(zone) if next_at else None,
        searched=f"{patient.name} {patient.initials} {patient.chart or ''} patient".casefold(),
    )


def _day_of(episode: Episode | None, now: datetime, zone: ZoneInfo) -> str:
    if episode is None:
        return "No episode under way"
    day = postop_day(episode.surgery_on, now, zone)
    if day < 0:
        return f"Surgery on {episode.surgery_on:%d %b}"
    return f"Day {day} after surgery" if day else "Day of surgery"


def initials_of(name: str) -> str:
    """What stands in the round picture beside a name.

    >>> initials_of("Dr Lena Brandt"), initials_of("Cher")
    ('LB', 'C')
    """
    parts = [part for part in name.split() if part.rstrip(".").casefold() not in {"dr", "prof", "nurse"}]
    return "".join(part[0].upper() for part in (parts or name.split())[:2])
