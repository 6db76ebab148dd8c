"""Enrolling from the command line: every option, and every mistake."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from monitor.clock import SystemClock
from tests.cli.conftest import Done, Monitor

Enrol = Callable[..., Done]


def day(days: int) -> str:
    """A date so many days from now, on a calendar a day wide of every time zone."""
    return (SystemClock().now() + timedelta(days=days)).date().isoformat()


def test_enrol_prints_the_calendar(enrol: Enrol) -> None:
    done = enrol()
    assert (done.code, done.err) == (0, "")
    assert "enrolled: patient 1, episode 1" in done.out
    assert "checkin-14" in done.out


def test_enrol_takes_every_option(enrol: Enrol, ready: Monitor) -> None:
    done = enrol(
        "--two-stage",
        "--flap",
        "--json",
        "--risk",
        "diabetes",
        time="14:30",
        timezone="America/Los_Angeles",
        language="en",
        chart="C-17",
        site="36",
        jaw="lower",
        stitches="removable",
        risk="smoking",
    )
    assert (done.code, done.err) == (0, "")
    answer = done.json
    texts = {text["what"]: text for text in answer["texts"]}
    assert (answer["patient"], answer["episode"]) == (1, 1)
    assert texts["stitches-flap"]["state"] == "planned"
    assert texts["checkin-4"]["due"].startswith(day(2))
    (listed,) = ready("episode", "list", "--json").json
    assert (listed["initials"], listed["chart"], listed["state"]) == ("A.L.", "C-17", "open")


def test_a_surgery_thirty_days_ahead_is_planned(enrol: Enrol) -> None:
    assert enrol("--json", surgery=day(29)).code == 0


@pytest.mark.parametrize(
    ("field", "found", "allowed"),
    [
        ("phone", "12", "a valid mobile number with its country code"),
        ("phone", "", "a valid mobile number with its country code"),
        ("phone", "202 555 0123", "a valid mobile number with its country code"),
        ("phone", "+44 20 7946 0018", "a landline"),
        ("phone", "+1 800 555 0199", "a valid mobile number"),
        ("phone", "Ann", "a valid mobile number"),
        ("timezone", "Mars/Olympus", "Europe/Berlin"),
        ("timezone", "+01:00", "Europe/Berlin"),
        ("surgery", day(33), "a date no later than"),
        ("surgery", "1926-01-01", "a date within the last 10 years"),
        ("surgery", "0001-01-01", "a date within the last 10 years"),
        ("surgery", "9999-12-31", "a date no later than"),
        ("surgery", "2026-02-30", "a date such as 2026-11-18"),
        ("surgery", "18.11.2026", "a date such as 2026-11-18"),
        ("surgery", "yesterday", "a date such as 2026-11-18"),
        ("time", "25:00", "a time such as 09:30"),
        ("language", "xx", "one of en"),
        ("language", "", "one of en"),
        ("consent", "", "how the patient agreed"),
        ("consent", "  \t ", "how the patient agreed"),
        ("name", "", "1 to 120 printable characters"),
        ("name", "Ann\x00Lee", "1 to 120 printable characters"),
        ("name", "x" * 5000, "1 to 120 printable characters"),
        ("name", "Ann \udcff", "1 to 120 printable characters"),
        ("chart", "x" * 41, "1 to 40 printable characters"),
        ("jaw", "left", "one of upper, lower"),
        ("stitches", "many", "one of none, dissolving, removable"),
        ("risk", "smokes", "smoking"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_kept(
    field: str, found: str, allowed: str, enrol: Enrol, ready: Monitor
) -> None:
    assert enrol("--json", **{field: found}).is_refused(f"monitor: {field}: found", allowed)
    assert ready("episode", "list", "--json").json == []


@pytest.mark.parametrize("option", ["name", "phone", "surgery", "consent"])
def test_what_is_missing_is_named(option: str, enrol: Enrol) -> None:
    assert enrol(**{option: None}).is_refused(f"Missing option '--{option}'", "monitor enrol --help")


def test_the_same_surgery_twice_is_refused(enrol: Enrol, ready: Monitor) -> None:
    assert enrol().code == 0
    assert enrol().is_refused("surgery: found", "no episode yet")
    assert len(ready("episode", "list", "--json").json) == 1


def test_an_episode_is_changed_and_cancelled(enrol: Enrol, ready: Monitor) -> None:
    enrol()
    changed = ready("episode", "change", "1", "--surgery", day(-1), "--timezone", "Europe/London", "--crown", day(-1))
    assert changed.out.startswith("episode 1: changed\n")
    (listed,) = ready("episode", "list", "--json").json
    assert listed["surgery"] == day(-1)
    unset = ready("episode", "change", "1", "--timezone", "Europe/London", "--json").json
    assert {row["what"]: row["state"] for row in unset["texts"]}["crown"] == "skipped", "the crown stays fitted"
    assert "texts taken back" in ready("episode", "cancel", "1").out
    assert ready("episode", "cancel", "1").is_refused("episode: found 1", "not cancelled already")
    assert ready("episode", "change", "1", "--surgery", day(-3)).is_refused("episode: found 1", "not cancelled")
    assert ready("ledger").code == 0


def test_a_change_prints_the_new_calendar(enrol: Enrol, ready: Monitor) -> None:
    before = {row["what"]: row["due"] for row in enrol("--json").json["texts"]}
    changed = ready("episode", "change", "1", "--surgery", day(-1))
    assert "checkin-14" in changed.out
    after = ready("episode", "change", "1", "--surgery", day(-1), "--json").json
    assert after["episode"] == 1
    new = {row["what"]: row["due"] for row in after["texts"]}
    assert new["checkin-14"].startswith(day(13))
    assert before["checkin-14"].startswith(day(12))
    assert new["checkin-14"] in changed.out


def test_the_list_names_patients_as_pages_do(enrol: Enrol, ready: Monitor) -> None:
    enrol(chart="C-17")
    enrol(name="Bob Dylan Stone", phone="+1 202 555 0124")
    listed = ready("episode", "list").out
    assert [line.split("│")[3:5] for line in listed.splitlines() if "A.L." in line or "B.D.S." in line] == [
        [" B.D.S.   ", " -     "],
        [" A.L.     ", " C-17  "],
    ]


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--surgery", "2026-13-01", "a date such as"),
        ("--surgery", "1926-01-01", "within ten years"),
        ("--surgery", "2999-01-01", "a date no later than"),
        ("--timezone", "Nowhere", "a zone's name"),
        ("--crown", "1926-01-01", "a date from"),
        ("--crown", "2999-01-01", "a date from"),
    ],
)
def test_a_change_that_cannot_be_meant_is_refused(
    option: str, value: str, allowed: str, enrol: Enrol, ready: Monitor
) -> None:
    enrol()
    before = ready("episode", "list", "--json").json
    assert ready("episode", "change", "1", option, value).is_refused(f"{option[2:]}: found {value!r}", allowed)
    assert ready("episode", "list", "--json").json == before


@pytest.mark.parametrize("number", ["0", "7", "99999999999999999999999", "one", "１"])
@pytest.mark.parametrize("command", ["change", "cancel"])
def test_an_episode_that_is_not_there_is_named(command: str, number: str, ready: Monitor) -> None:
    found = ready("episode", command, number)
    assert found.is_refused("monitor: episode: found", number)


def test_who_enrols_somebody_that_opted_out_reads_what_they_must_do(enrol: Enrol, home: Path) -> None:
    enrol(surgery=day(-40))
    engine = create_engine(f"sqlite:///{home / 'monitor.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE patients SET opted_out_at = '2026-01-01 00:00:00'"))
    engine.dispose()
    done = enrol(consent="signed form, second implant")
    assert "has opted out" in done.out
    assert "START" in done.out
    assert enrol("--json", surgery=day(-3)).json["opted_out"]
