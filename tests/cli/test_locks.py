"""A command parses the protocol before its transaction begins: meanwhile others may write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import SystemClock
from monitor.domain import bundle
from monitor.services import seed
from tests.cli.conftest import Done, Monitor

ALERT = (
    "INSERT INTO alerts (clinic_id, subject, protocol_version_id, kind, band, signs, reasons, day, at_night, state,"
    " stage, rounds, step_at, opened_at, raised_at, slips, overdue) VALUES (1, 'phone:+12025550188', 1, 'finding',"
    " 'soon', '[]', '[]', 3, 0, 'open', 0, 0, :now, :now, :now, 0, 0)"
)


@pytest.fixture
def parsed(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each time that a protocol was parsed from now on: whether somebody else could have written."""
    writable: list[bool] = []
    load_protocol = bundle.load_protocol

    def noted(text: str, *, file: str) -> Any:
        writable.append(_can_write(home / "monitor.db"))
        return load_protocol(text, file=file)

    monkeypatch.setattr(bundle, "load_protocol", noted)
    return writable


def _can_write(database: Path) -> bool:
    connection = sqlite3.connect(database, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def _forget_parsed() -> None:
    """As in a process that has just begun."""
    seed._parsed.clear()
    bundle._load.cache_clear()


@pytest.mark.parametrize(
    "command",
    [
        ["enrol", "--name", "Bo", "--phone", "+1 202 555 0124", "--consent", "form", "--surgery", "SURGERY"],
        ["episode", "change", "1", "--surgery", "SURGERY"],
        ["alert", "take", "1", "--by", "1"],
        ["alert", "outcome", "1", "--by", "1", "--outcome", "seen"],
        ["ledger"],
        ["protocol", "load", "SEEDS"],
        ["protocol", "load", "SEEDS", "--apply-open"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_protocol_is_parsed_while_others_may_write(
    command: list[str], enrol: Callable[..., Done], ready: Monitor, home: Path, edited_seeds: Path, parsed: list[bool]
) -> None:
    enrol()
    ready("staff", "add", "--name", "Dr Ray", "--phone", "+1 202 555 0171")
    with sqlite3.connect(home / "monitor.db") as connection:
        connection.execute(ALERT, {"now": (SystemClock().now()).strftime("%Y-%m-%d %H:%M:%S.000000")})
    connection.close()
    _forget_parsed()
    parsed.clear()
    day = (SystemClock().now() - timedelta(days=1)).date().isoformat()
    done = ready(*({"SURGERY": day, "SEEDS": str(edited_seeds)}.get(part, part) for part in command))
    assert (done.code, done.err) == (0, "")
    assert parsed == [True]


def test_a_command_that_needs_no_protocol_parses_none(ready: Monitor, parsed: list[bool]) -> None:
    _forget_parsed()
    assert ready("staff", "list").code == 0
    assert parsed == []
