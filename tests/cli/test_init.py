"""Setting up: once, twice, with mistakes, and with every option."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Monitor

EVERYTHING = {
    "--clinic": "Smile Dental",
    "--timezone": "Europe/London",
    "--phone": "+44 20 7946 0018",
    "--emergency-number": "999",
    "--last-resort": "+44 7911 123456",
    "--holidays": "GB",
}


def test_init_makes_home_key_database_seeds_and_clinic(monitor: Monitor, home: Path) -> None:
    done = monitor("init", *(part for option in EVERYTHING.items() for part in option))
    assert (done.code, done.err) == (0, "")
    assert "Smile Dental (Europe/London)" in done.out
    assert {path.name for path in home.iterdir()} >= {"monitor.db", "secret.key", "backups"}
    shown = monitor("clinic", "show", "--json").json
    assert (shown["phone"], shown["emergency_number"], shown["last_resort"]) == (
        "+442079460018",
        "999",
        "+447911123456",
    )
    assert (shown["timezone"], shown["holidays"]) == ("Europe/London", "GB")


def test_the_key_and_home_are_their_owners_alone(ready: Monitor, home: Path) -> None:
    assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("command", [["init"], ["clinic", "show"]])
def test_a_home_that_is_open_to_others_is_closed_at_the_next_start(
    command: list[str], ready: Monitor, home: Path
) -> None:
    (home / "monitor.db-wal").touch()
    for path in (home, *home.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert ready(*command).code == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home, *home.iterdir())}
    wanted = {home.name: 0o700, "backups": 0o700, "monitor.db": 0o600, "secret.key": 0o600}
    assert {name: modes[name] for name in wanted} == wanted
    assert all(mode & 0o077 == 0 for mode in modes.values())


def test_a_new_database_is_its_owners_alone(monitor: Monitor, home: Path) -> None:
    assert monitor("init").code == 0
    assert (home / "monitor.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_home_of_somebody_else_keeps_its_permissions(ready: Monitor, home: Path) -> None:
    home.chmod(0o755)
    os.chown(home, 12345, -1)
    assert ready("clinic", "show").code == 0
    assert home.stat().st_mode & 0o777 == 0o755


def test_init_again_changes_nothing(ready: Monitor, home: Path) -> None:
    before = ((home / "secret.key").read_text(), ready("clinic", "show", "--json").json)
    assert ready("init").code == 0
    assert ((home / "secret.key").read_text(), ready("clinic", "show", "--json").json) == before


def test_init_again_with_options_changes_those(ready: Monitor) -> None:
    assert ready("init", "--clinic", "Bright Dental").code == 0
    shown = ready("clinic", "show", "--json").json
    assert (shown["name"], shown["timezone"]) == ("Bright Dental", "America/New_York")


def test_a_protocol_of_the_clinics_own_outlives_a_second_init(ready: Monitor, edited_seeds: Path) -> None:
    assert "version 2" in ready("protocol", "load", str(edited_seeds)).out
    ready("init")
    assert "version 2" in ready("protocol", "load", str(edited_seeds)).out  # the very same, so no third


def test_a_mistake_at_set_up_leaves_a_home_that_works(monitor: Monitor) -> None:
    assert monitor("init", "--timezone", "Mars/Olympus").is_refused("timezone", "Mars/Olympus", "Europe/Berlin")
    assert monitor("clinic", "show").code == 0
    assert monitor("ledger").code == 0


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--clinic", "   ", "1 to 80 printable"),
        ("--clinic", "x" * 81, "1 to 80 printable"),
        ("--clinic", "a\x1b[31mb", "1 to 80 printable"),
        ("--timezone", "EST5", "a zone's name"),
        ("--timezone", "../../etc/passwd", "a zone's name"),
        ("--phone", "12", "with its country code"),
        ("--emergency-number", "call us", "digits to dial"),
        ("--last-resort", "+1 555", "with its country code"),
        ("--holidays", "Atlantis", "an ISO country code"),
        ("--holidays", "DE-ZZ", "an ISO country code"),
    ],
)
def test_what_cannot_be_used_is_named(option: str, value: str, allowed: str, monitor: Monitor) -> None:
    field = {"--clinic": "name"}.get(option, option.strip("-").replace("-", "_"))
    assert monitor("init", option, value).is_refused(f"{field}: found", allowed)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--hours", "mon-fri", "mon-fri 08:00-18:00"),
        ("--hours", "fri-mon 08:00-18:00", "mon-fri 08:00-18:00"),
        ("--hours", "mon 18:00-08:00", "mon-fri 08:00-18:00"),
        ("--checkin-at", "25:00", "a time such as 09:30"),
        ("--checkin-at", "10:00+02:00", "without an offset"),
        ("--texting-from", "21:00", "a time after texting_from"),
        ("--out-of-hours-phone", "none", "digits to dial"),
    ],
)
def test_clinic_set_names_what_cannot_be_used(option: str, value: str, allowed: str, ready: Monitor) -> None:
    before = ready("clinic", "show", "--json").json
    assert ready("clinic", "set", "--name", "Other", option, value).is_refused("found", allowed)
    assert ready("clinic", "show", "--json").json == before


def test_clinic_set_changes_only_what_is_named(ready: Monitor) -> None:
    done = ready("clinic", "set", "--hours", "mon-fri 08:00-18:00, sat 09:00-13:00", "--checkin-at", "11:15")
    assert done.out == "set: hours, checkin_at\n"
    shown = ready("clinic", "show", "--json").json
    assert "sat 09:00-13:00" in shown["hours"]
    assert (shown["checkin_at"], shown["name"]) == ("11:15", "Smile Dental")
    assert "nothing was named" in ready("clinic", "set").out
