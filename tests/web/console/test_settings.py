"""The settings page: what is set, what is missing, and what is refused."""

from __future__ import annotations

from datetime import time

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Clinic, Event
from monitor.services.clinic import the_clinic
from monitor.services.rota import add_shift
from tests.web.staffer import Office, Staffer, words_of


def clinic(office: Office) -> Clinic:
    with transaction(office.app.sessions) as session:
        return the_clinic(session)


def test_every_setting_stands_there_as_it_would_be_typed(boss: Staffer) -> None:
    page = boss.get("/settings").text
    for value in (
        "Smile Dental",
        "America/New_York",
        "+12025550150",
        "911",
        "+12025550199",
        "US",
        "mon-fri 08:00-18:00",
    ):
        assert f'value="{value}"' in page
    assert "Nothing is missing" in page


def test_what_is_changed_is_saved_and_recorded_and_nothing_else(office: Office, boss: Staffer) -> None:
    done = boss.does("/settings", "save", hours="mon-fri 08:00-18:00, sat 09:00-13:00", phone="")
    assert done.headers["location"] == "/settings?said=saved"
    now = clinic(office)
    assert (now.hours["sat"], now.phone, now.emergency_number) == (["09:00", "13:00"], None, "911")
    with transaction(office.app.sessions) as session:
        event = session.scalars(select(Event).where(Event.kind == "clinic_changed").order_by(Event.id.desc())).first()
        assert event is not None
        assert (event.actor, event.detail["fields"]) == (f"staff:{boss.id}", ["hours", "phone"])


def test_what_doctor_misses_stands_there_in_words(office: Office, boss: Staffer, ray: Staffer) -> None:
    boss.does("/settings", "save", emergency_number="", holidays="")
    with transaction(office.app.sessions) as session:
        add_shift(session, ray.id, "mon-sun", "08:00", "18:00", now=office.clock.now())
    page = boss.reads("/settings")
    assert "Emergency number not set: patients are told 112" in page
    assert "Holidays not set: public holidays count as working days" in page
    assert "Rota tier 1 has nobody" in page
    assert "monitor clinic set" not in page


def test_whoever_is_second_reads_who_was_first(office: Office, boss: Staffer) -> None:
    other = office.hires("Una Admin", "+12025550179", admin=True)
    old = other.filled("/settings", "save", name="Brighter Dental")
    boss.does("/settings", "save", checkin_at="11:00")
    second = other.post("/settings", old)
    assert second.status_code == 409
    assert "Bo Boss changed this at 12:0" in words_of(second)
    assert 'value="Brighter Dental"' in second.text
    assert clinic(office).name == "Smile Dental"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 10_000),
        ("name", "a\x1b[31mb"),
        ("timezone", "Mars/Olympus"),
        ("timezone", ""),
        ("phone", "12"),
        ("emergency_number", "nine one one"),
        ("out_of_hours_phone", "9" * 200),
        ("last_resort", "<script>alert(1)</script>"),
        ("holidays", "XX"),
        ("hours", ""),
        ("hours", "mon 18:00-08:00"),
        ("hours", "mon 08:00+05:00-18:00"),  # an offset would be compared with none
        ("hours", "mon 08:00+05:00-18:00+05:00"),
        ("hours", "always"),
        ("checkin_at", "25:00"),
        ("checkin_at", ""),
        ("texting_until", "09:00"),
        ("texting_from", "\x00"),
    ],
)
def test_what_cannot_be_used_is_named_at_its_field(office: Office, boss: Staffer, field: str, value: str) -> None:
    refused = boss.does("/settings", "save", **{field: value})
    assert refused.status_code == 422
    assert f'id="save-{field}-hint"' in refused.text
    assert "hint wrong" in refused.text
    assert "<script>alert" not in refused.text
    with transaction(office.app.sessions) as session:
        assert session.scalars(select(Event).where(Event.kind == "clinic_changed", Event.actor != "system")).all() == []


def test_only_who_manages_may(office: Office, ray: Staffer, desk: Staffer) -> None:
    for person in (ray, desk):
        assert person.get("/settings").status_code == 403
        token = person.filled("/rota", "shift")["csrf"]
        refused = person.post("/settings", {"csrf": token, "do": "save", "name": "Mine"})
        assert refused.status_code == 403
    assert clinic(office).name == "Smile Dental"


def test_a_hostile_name_is_shown_as_it_is(office: Office, boss: Staffer) -> None:
    boss.does("/settings", "save", name='<script>alert(1)</script>"')
    page = boss.get("/settings").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_texting_hours_are_times_of_the_clinic(office: Office, boss: Staffer) -> None:
    boss.does("/settings", "save", texting_from="08:30", texting_until="19:45")
    assert (clinic(office).texting_from, clinic(office).texting_until) == (time(8, 30), time(19, 45))
