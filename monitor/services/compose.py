"""Write a text: the catalogue's words filled with the clinic's, the patient's and the moment's."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime

from monitor.domain.bundle import Bundle
from monitor.domain.messages import render
from monitor.models import Clinic, Patient


def patient_text(bundle: Bundle, patient: Patient, *keys: str, **fields: object) -> str:
    """The named texts in the patient's language, joined by a blank."""
    catalogue = bundle.catalogue(patient.language)
    known = clinic_fields(patient.clinic) | {name: str(value) for name, value in fields.items()}
    return " ".join(render(catalogue, key, **known) for key in keys)


def staff_text(bundle: Bundle, clinic: Clinic, key: str, **fields: object) -> str:
    """A text to staff, in English."""
    known = clinic_fields(clinic) | {name: str(value) for name, value in fields.items()}
    return render(bundle.catalogue("en"), key, **known)


def clinic_fields(clinic: Clinic) -> dict[str, str]:
    """What a text may say of the clinic; `doctor` names what is not set."""
    emergency = clinic.emergency_number or "112"
    return {
        "clinic": clinic.name,
        "phone": clinic.phone or "the clinic",
        "emergency": emergency,
        "out_of_hours": clinic.out_of_hours_phone or emergency,
    }


def sign_names(bundle: Bundle, patient: Patient, signs: list[str]) -> str:
    """At most two signs by the names that patients know, so that a text stays one segment."""
    catalogue = bundle.catalogue(patient.language)
    names = [catalogue.texts[f"sign.{sign}"] for sign in signs] or [catalogue.texts["sign.review"]]
    return ", ".join(names[:2])


def local_moment(instant: datetime, zone: ZoneInfo, language: str = "en") -> str:
    """An instant as people write it in a text.

    >>> from datetime import UTC
    >>> local_moment(datetime(2026, 11, 23, 12, tzinfo=UTC), ZoneInfo("Europe/Madrid"), "es")
    'lun 23 nov 13:00'
    """
    return format_datetime(instant, "EEE d MMM HH:mm", tzinfo=zone, locale=_locale(language))


def local_day(instant: datetime, zone: ZoneInfo, language: str = "en") -> str:
    return format_datetime(instant, "EEE d MMM", tzinfo=zone, locale=_locale(language))


def _locale(language: str) -> Locale:
    """A clinic may add a language that the date library does not know; its dates are English then."""
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")
