"""Enrolling on the page: what would be sent stands there first, and only the button Enrol writes anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import func, select

from monitor.db import transaction
from monitor.models import Episode, Event, Message, Patient
from monitor.services.clinic import add_clinic, the_clinic
from monitor.services.enrol import Enrolment, enrol
from tests.web.console.conftest import ANN, BEN, enrolled
from tests.web.staffer import Office, Staffer, words_of

GIVEN: Mapping[str, str] = {"name": "Ann Carter", "phone": ANN, "surgery": "2026-10-29", "consent": "signed form"}


def sends(staffer: Staffer, do: str = "enrol", *, at: str = "/enrol", **changes: object) -> httpx.Response:
    """The form as it is usually filled in, but for these fields; `two_stage` stands for two-stage."""
    fields = {**GIVEN, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return staffer.post(at, staffer.filled("/enrol", "enrol") | fields | {"do": do})


def checks(staffer: Staffer, **changes: object) -> str:
    """What a pause in typing brings."""
    answer = sends(staffer, "check", at="/enrol/check", **changes)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    return words_of(answer)


def count(office: Office, table: type) -> int:
    with transaction(office.app.sessions) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def only(office: Office, table: type) -> object:
    with transaction(office.app.sessions) as session:
        return session.scalars(select(table)).one()


# --- enrol


def test_the_form_enrols_and_leads_to_the_record(office: Office, desk: Staffer) -> None:
    answer = sends(desk)
    assert (answer.status_code, answer.headers["location"]) == (303, "/episodes/1?said=enrolled")
    patient = only(office, Patient)
    assert isinstance(patient, Patient)
    assert (patient.name, patient.phone, patient.consent_how) == ("Ann Carter", ANN, "signed form")


def test_every_field_is_kept(office: Office, desk: Staffer) -> None:
    more = {"time": "14:30", "language": "es", "chart": "C-17", "site": "36", "jaw": "lower", "stitches": "removable"}
    ticked = {"two_stage": "yes", "flap": "yes", "risk": ["smoking", "diabetes"], "timezone": "America/Chicago"}
    assert sends(desk, **more, **ticked).status_code == 303
    episode = only(office, Episode)
    assert isinstance(episode, Episode)
    assert (f"{episode.surgery_time:%H:%M}", episode.site, episode.jaw, episode.stitches) == (
        "14:30",
        "36",
        "lower",
        "removable",
    )
    assert (episode.two_stage, episode.flap, episode.risks) == (True, True, ["diabetes", "smoking"])
    patient = episode.patient
    assert (patient.language, patient.chart, patient.timezone) == ("es", "C-17", "America/Chicago")


def test_it_is_written_down_who_enrolled(office: Office, desk: Staffer) -> None:
    sends(desk)
    with transaction(office.app.sessions) as session:
        event = session.scalars(select(Event).where(Event.kind == "enrolled")).one()
    assert (event.actor, event.clinic_id, event.patient_id) == (f"staff:{desk.id}", 1, 1)


def test_the_same_form_twice_enrols_once_and_leads_to_the_record(office: Office, desk: Staffer) -> None:
    form = desk.filled("/enrol", "enrol") | GIVEN
    assert desk.post("/enrol", form).status_code == 303
    again = desk.post("/enrol", form)
    assert again.status_code == 422
    assert "Ann Carter is enrolled already for a surgery on Thu 29 Oct 2026" in words_of(again)
    assert 'href="/episodes/1"' in again.text
    assert count(office, Episode) == 1


@pytest.mark.parametrize(
    ("field", "found", "allowed"),
    [
        ("name", "", "1 to 120 printable characters"),
        ("name", "x" * 10_000, "1 to 120 printable characters"),
        ("name", "Ann\x07", "1 to 120 printable characters"),
        ("phone", "", "a valid mobile number"),
        ("phone", "12", "a valid mobile number"),
        ("phone", "+44 20 7946 0018", "a valid mobile number"),
        ("phone", "9" * 10_000, "a valid mobile number"),
        ("surgery", "", "a date such as 2026-11-18"),
        ("surgery", "29.10.2026", "a date such as 2026-11-18"),
        ("surgery", "9999-12-31", "a date no later than"),
        ("surgery", "0001-01-01", "a date within the last 10 years"),
        ("surgery", "99999-01-01", "a date such as 2026-11-18"),
        ("consent", "", "how the patient agreed"),
        ("consent", "x" * 10_000, "1 to 200 printable characters"),
        ("time", "25:00", "a time such as 09:30"),
        ("time", "09:30+01:00", "a local time without an offset"),
        ("timezone", "Mars/Olympus", "Europe/Berlin"),
        ("language", "xx", "one of en"),
        ("chart", "x" * 41, "1 to 40 printable characters"),
        ("jaw", "left", "one of upper, lower"),
        ("stitches", "many", "one of none, dissolving, removable"),
        ("two_stage", "perhaps", "yes or no"),
        ("risk", "smokes", "smoking"),
    ],
)
def test_what_cannot_be_used_is_explained_at_its_field_and_nothing_is_lost(
    field: str, found: str, allowed: str, office: Office, desk: Staffer
) -> None:
    answer = sends(desk, **{field: found})
    assert answer.status_code == 422
    assert allowed in words_of(answer)
    assert 'value="signed form"' in answer.text or field == "consent"
    assert count(office, Patient) == 0


def test_all_mistakes_are_shown_at_once(desk: Staffer) -> None:
    page = sends(desk, phone="12", surgery="soon", jaw="left").text
    for field in ("phone", "surgery", "jaw"):
        assert f'id="enrol-{field}-hint">“' in page


def test_what_is_hostile_is_shown_as_text(desk: Staffer) -> None:
    hostile = '"><script>alert(1)</script>'
    page = sends(desk, name=hostile, phone=hostile, timezone=hostile, chart=hostile).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_page_of_another_site_enrols_nobody(office: Office, desk: Staffer) -> None:
    form = desk.filled("/enrol", "enrol") | GIVEN
    assert desk.post("/enrol", form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert desk.post("/enrol", form | {"csrf": "x.y"}).status_code == 409
    assert count(office, Patient) == 0


def test_nobody_enrols_without_signing_in(office: Office, desk: Staffer) -> None:
    stranger = desk.elsewhere()
    assert stranger.get("/enrol").status_code == 303
    for path in ("/enrol", "/enrol/check"):
        assert stranger.post(path, {**GIVEN, "do": "enrol"}).status_code == 401
    assert count(office, Patient) == 0


# --- check


def test_the_button_check_tells_what_would_be_sent_and_writes_nothing(office: Office, desk: Staffer) -> None:
    events = count(office, Event)
    page = words_of(sends(desk, "check"))
    for text in (
        "Sun 1 Nov 2026 at once · day 3 First text",
        "Mon 2 Nov 2026 10:00–11:00 · day 4",
        "Check-in of day 14",
    ):
        assert text in page
    assert "Smile Dental: we will check by text how your implant heals." in page
    assert (count(office, Patient), count(office, Message), count(office, Event)) == (0, 0, events)


def test_what_is_foretold_is_what_is_planned(office: Office, desk: Staffer) -> None:
    page = sends(desk, "check", stitches="removable").text
    assert sends(desk, stitches="removable").status_code == 303
    with transaction(office.app.sessions) as session:
        planned = session.scalars(select(Message).where(Message.state != "skipped")).all()
    assert page.count("<time ") == len(planned)
    for text in planned:
        local = text.due_at.astimezone(ZoneInfo("America/New_York"))
        assert f'datetime="{local.date()}"' in page, text.once


def test_before_the_surgery_it_says_in_how_many_days(desk: Staffer) -> None:
    assert "at once · surgery in 10 days First text" in checks(desk, surgery="2026-11-11")


def test_dates_are_the_patients_own(desk: Staffer) -> None:
    assert "Times are Pacific/Auckland" in checks(desk, timezone="Pacific/Auckland")
    assert "Mon 2 Nov 2026 09:00 · day 4 First text" in checks(desk, timezone="Pacific/Auckland")


def test_what_was_typed_shows_the_same_with_and_without_javascript(desk: Staffer) -> None:
    fragment = checks(desk, phone="12")
    page = words_of(sends(desk, "check", phone="12"))
    assert fragment in page


def test_a_field_that_nobody_has_come_to_is_no_mistake(desk: Staffer) -> None:
    said = checks(desk, phone="", consent="", surgery="2026-10-29")
    assert "Still needed: the mobile number, how they agreed." in said
    assert "must be" not in said
    assert "Check-in of day 7" in said


def test_a_mistake_is_named_with_its_field(desk: Staffer) -> None:
    answer = sends(desk, "check", at="/enrol/check", phone="+44 20 7946 0018")
    assert 'data-wrong="phone">+44 20 7946 0018 (a landline) is not possible here; it must be a' in answer.text


def test_without_a_date_nothing_is_foretold(desk: Staffer) -> None:
    assert "Type a date of surgery" in checks(desk, surgery="")
    assert "Check-in" not in checks(desk, surgery="9999-12-31")


@pytest.mark.parametrize("text", ["x" * 10_000, "\x00\x01", "<script>alert(1)</script>", "'\"--", "٣٤٥", "1e999"])
def test_whatever_is_typed_the_check_answers(text: str, desk: Staffer) -> None:
    names = ("name", "phone", "surgery", "consent", "time", "timezone", "language", "chart", "site", "jaw", "stitches")
    for name in (*names, "two_stage", "flap", "risk"):
        answer = sends(desk, "check", at="/enrol/check", **{name: text})
        assert answer.status_code == 200, name
        assert "<script>alert" not in answer.text


def test_the_check_needs_our_own_form(desk: Staffer) -> None:
    assert desk.post("/enrol/check", {**GIVEN, "do": "check"}).status_code == 409
    assert desk.get("/enrol/check").status_code == 405


def test_the_check_enrols_nobody_whatever_it_is_asked(office: Office, desk: Staffer) -> None:
    assert sends(desk, "enrol", at="/enrol/check").status_code == 422
    assert count(office, Patient) == 0


# --- who is known


def test_somebody_who_has_opted_out_is_told_of(office: Office, desk: Staffer) -> None:
    enrolled(office, day=30)
    with transaction(office.app.sessions) as session:
        session.scalars(select(Patient)).one().opted_out_at = office.clock.now()
    assert "This patient has opted out. No text leaves until they text START" in checks(desk)
    assert sends(desk).headers["location"] == "/episodes/2?said=enrolled-silent"


def test_a_further_surgery_of_somebody_known_is_said(office: Office, desk: Staffer) -> None:
    enrolled(office, day=30)
    said = checks(desk, name="ann carter")
    assert "Ann Carter is a patient here already." in said
    assert "First text" not in said
    assert sends(desk).status_code == 303
    assert count(office, Patient) == 1


def test_others_on_the_same_number_are_named(office: Office, desk: Staffer) -> None:
    enrolled(office, "Ben Petrov", ANN)
    assert "This number is Ben Petrov ’s as well." in checks(desk)
    with transaction(office.app.sessions) as session:
        seen = session.scalars(select(Event).where(Event.kind == "viewed").order_by(Event.id.desc())).first()
    assert seen is not None
    assert (seen.patient_id, seen.actor) == (1, f"staff:{desk.id}")


def test_a_number_that_texts_did_not_reach_is_told_of(office: Office, desk: Staffer) -> None:
    enrolled(office, day=30)
    with transaction(office.app.sessions) as session:
        session.scalars(select(Patient)).one().bad_number_at = office.clock.now()
    assert "Texts to this number did not arrive before." in checks(desk)


def test_whoever_stands_in_for_an_unusable_field_is_nobody(office: Office, desk: Staffer) -> None:
    """The check puts something usable in the place of what cannot be used: nobody is looked up by that."""
    enrolled(office, "A", "+12025550123", day=3)
    said = checks(desk, name="", phone="12")
    assert "patient here already" not in said
    assert "This number is" not in said


def test_another_clinics_patients_are_not_known_here(office: Office, desk: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        other = add_clinic(session, {"name": "Smile North", "timezone": "America/New_York"}, now=office.clock.now()).id
        surgery = office.clock.now().date() - timedelta(days=3)
        for phone, name in ((ANN, "Ann Carter"), (ANN, "Ben Petrov"), (BEN, "Cy Young")):
            given = Enrolment(name, phone, surgery, "form")
            enrol(session, the_clinic(session, other), given, now=office.clock.now())
    said = checks(desk, surgery=surgery.isoformat())
    assert "already" not in said
    assert "Ben Petrov" not in said
    assert sends(desk, surgery=surgery.isoformat()).status_code == 303
    with transaction(office.app.sessions) as session:
        newest = session.scalars(select(Patient).order_by(Patient.id.desc())).first()
    assert newest is not None
    assert newest.clinic_id == 1
