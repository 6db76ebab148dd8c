"""Several clinics in one installation: added, listed, and named by the commands that work on one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from monitor.clock import SystemClock
from tests.cli.conftest import Done, Monitor

Enrol = Callable[..., Done]


@pytest.fixture
def two(ready: Monitor) -> Monitor:
    """A home with a second clinic, which has the id 2."""
    assert ready("clinic", "add", "--name", "Smile North", "--timezone", "America/Chicago").code == 0
    return ready


def clinic_of_patients(home: Path) -> list[int]:
    engine = create_engine(f"sqlite:///{home / 'monitor.db'}")
    with engine.begin() as connection:
        found = connection.scalars(text("SELECT clinic_id FROM patients ORDER BY id")).all()
    engine.dispose()
    return list(found)


def test_a_further_clinic_is_added_with_what_is_given(ready: Monitor) -> None:
    given = ("--name", "Smile North", "--timezone", "America/Chicago", "--phone", "+1 202 555 0190")
    more = ("--emergency-number", "911", "--last-resort", "+1 202 555 0191", "--holidays", "US")
    done = ready("clinic", "add", *given, *more)
    assert (done.code, done.out, done.err) == (0, "clinic 2: Smile North (America/Chicago)\n", "")
    set_ = ready("clinic", "show", "--clinic", "2", "--json").json
    assert [set_[field] for field in ("name", "timezone", "phone", "emergency_number", "last_resort", "holidays")] == [
        *("Smile North", "America/Chicago", "+12025550190"),
        *("911", "+12025550191", "US"),
    ]


def test_a_program_reads_the_new_clinics_id(ready: Monitor) -> None:
    answer = ready("clinic", "add", "--name", "North", "--timezone", "Europe/London", "--json").json
    assert answer == {"clinic": 2, "name": "North", "timezone": "Europe/London"}


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (("--name", "Smile Dental"), ("name: found 'Smile Dental'", "clinic 1 has it")),
        (("--name", " "), ("name: found", "1 to 80 printable characters")),
        (("--name", "x" * 5000), ("name: found", "1 to 80 printable characters")),
        (("--name", "North", "--timezone", "Mars/Olympus"), ("timezone: found 'Mars/Olympus'",)),
        (("--name", "North", "--phone", "12"), ("phone: found '12'",)),
    ],
)
def test_a_clinic_that_cannot_be_is_refused_and_none_is_added(
    given: tuple[str, ...], parts: tuple[str, ...], ready: Monitor
) -> None:
    assert ready("clinic", "add", *given).is_refused(*parts)
    assert len(ready("clinic", "list", "--json").json) == 1


def test_a_further_clinic_needs_an_installation(monitor: Monitor) -> None:
    done = monitor("clinic", "add", "--name", "North")
    assert done.code != 0
    assert "monitor init" in done.err


def test_the_list_names_every_clinic_and_counts_its_staff(two: Monitor) -> None:
    two("staff", "add", "--name", "Dr Ray", "--phone", "+1 202 555 0180", "--clinic", "2")
    assert two("clinic", "list", "--json").json == [
        {"id": 1, "name": "Smile Dental", "timezone": "America/New_York", "phone": None, "staff": 0},
        {"id": 2, "name": "Smile North", "timezone": "America/Chicago", "phone": None, "staff": 1},
    ]
    assert "Smile North" in two("clinic", "list").out


def test_a_change_is_made_to_the_clinic_that_is_named(two: Monitor) -> None:
    assert two("clinic", "set", "--clinic", "2", "--name", "Smile South").out == "set: name\n"
    assert [each["name"] for each in two("clinic", "list", "--json").json] == ["Smile Dental", "Smile South"]


def test_no_clinic_named_means_the_first(two: Monitor, enrol: Enrol, home: Path) -> None:
    two("clinic", "set", "--checkin-at", "11:00")
    assert two("clinic", "show", "--json").json["checkin_at"] == "11:00"
    assert two("clinic", "show", "--clinic", "2", "--json").json["checkin_at"] == "10:00"
    enrol()
    assert clinic_of_patients(home) == [1]


def test_a_patient_is_enrolled_at_the_clinic_that_is_named(two: Monitor, enrol: Enrol, home: Path) -> None:
    assert enrol("--clinic", "2").code == 0
    assert clinic_of_patients(home) == [2]


def test_a_whole_table_is_enrolled_at_the_clinic_that_is_named(two: Monitor, home: Path, tmp_path: Path) -> None:
    table = tmp_path / "patients.csv"
    surgery = SystemClock().now().date()
    table.write_text(f"name,phone,surgery,consent\nAnn Lee,+12025550123,{surgery},form\n", encoding="utf-8")
    done = two("enrol", "--from", str(table), "--clinic", "2")
    assert done.out == "enrolled: 1 of 1 rows\n"
    assert clinic_of_patients(home) == [2]


@pytest.mark.parametrize(
    "command", [("clinic", "show"), ("clinic", "set", "--name", "x"), ("staff", "add", "--name", "x", "--phone", "12")]
)
def test_a_clinic_that_is_not_there_is_named(command: tuple[str, ...], ready: Monitor) -> None:
    assert ready(*command, "--clinic", "7").is_refused("clinic: found 7", "`monitor clinic list`")
    assert ready(*command, "--clinic", "seven").is_refused("clinic: found 'seven'", "a whole number")


def test_nobody_is_enrolled_at_a_clinic_that_is_not_there(ready: Monitor, enrol: Enrol, home: Path) -> None:
    assert enrol("--clinic", "7").is_refused("clinic: found 7", "`monitor clinic list`")
    assert clinic_of_patients(home) == []
