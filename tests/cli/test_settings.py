"""Settings that cannot be used, and a database that cannot work: one clear line, and nothing secret in it."""

from __future__ import annotations

import resource
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Monitor, run_monitor

CREDENTIALS = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "the token", "TWILIO_FROM_NUMBER": "+12025550100"}


@pytest.mark.parametrize("missing", CREDENTIALS)
def test_twilio_half_set_names_what_is_missing(missing: str, ready: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    for command in ("run", "web", "worker", "doctor", "ledger"):
        done = ready(command)
        assert done.is_refused(f"{missing}: found 'nothing'", "Twilio console")
        assert "the token" not in done.err


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("MONITOR_SMS", "pigeon", "'twilio' or 'phones'"),
        ("MONITOR_PUBLIC_URL", "clinic.example", "http"),
        ("MONITOR_PUBLIC_URL", "https://", "http"),
        ("MONITOR_HEARTBEAT_URL", "file:///etc/passwd", "http"),
        ("TWILIO_BASE_URL", "localhost:4010", "http"),
        ("MONITOR_ARCHIVE_AFTER_DAYS", "29", "greater than or equal to 30"),
        ("MONITOR_DELETE_AFTER_DAYS", "364", "greater than or equal to 365"),
        ("MONITOR_TRUSTED_PROXIES", "balancer.example", "addresses or networks"),
        ("MONITOR_TRUSTED_PROXIES", "*", "addresses or networks"),
        ("MONITOR_TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0", "addresses or networks"),
        ("MONITOR_TRUSTED_PROXIES", "10.0.0.1/24", "addresses or networks"),
        ("MONITOR_HOME", "~nobody-of-this-name/x", "a folder"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    name: str, value: str, allowed: str, ready: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert ready("doctor").is_refused(f"{name}: found", allowed)
    assert ready("run").is_refused(f"{name}: found", allowed)


def test_settings_may_stand_in_a_file(ready: Monitor, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MONITOR_SMS=pigeon\n")
    assert ready("doctor").is_refused("MONITOR_SMS: found 'pigeon'")
    (tmp_path / ".env").write_bytes(b"\xff\xfe=\n")
    assert ready("doctor").is_refused(".env: found", "UTF-8")


@pytest.mark.parametrize("command", [("staff", "list"), ("ledger",), ("doctor",), ("clinic", "show"), ("task", "list")])
def test_without_init_the_line_says_so(command: tuple[str, ...], monitor: Monitor) -> None:
    assert monitor(*command).is_refused("nothing is set up", "monitor init")


def test_a_home_that_is_a_file_is_named(monitor: Monitor, home: Path) -> None:
    home.write_text("")
    assert monitor("init").is_refused("MONITOR_HOME: found", "a folder that can be read and written")


def test_a_home_that_cannot_be_looked_at_is_named(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_HOME", "/tmp/" + "x" * 300)
    for command in ("init", "ledger", "run"):
        assert monitor(command).is_refused("MONITOR_HOME: found", "a folder that can be read and written")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://root:hunter2@host/x",
        "postgresql+nothing://root:hunter2@host/x",
        "postgresql+psycopg://root:hunter2@host:port/x",
        "postgresql+psycopg://root:hun@ter2@127.0.0.1:1/x",
        "root:hunter2@host/x",
        "sqlite://root:hunter2@host/x",
    ],
)
def test_no_line_about_the_database_shows_a_password(
    url: str, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_DATABASE_URL", url)
    for command in ("init", "ledger", "run"):
        done = monitor(command)
        assert done.code == 2
        assert len(done.lines) == 1
        assert "hunter2" not in done.err
        assert "ter2" not in done.err


def test_a_database_without_tables_is_told_to_init(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    assert monitor("run").is_refused("monitor init")
    assert monitor("init").code == 0
    assert monitor("ledger").code == 0


# --- a database that cannot work now -------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
def test_a_locked_database_is_one_line(ready: Monitor, home: Path) -> None:
    other = sqlite3.connect(home / "monitor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        for command in (("init",), ("staff", "list"), ("ledger",)):
            assert ready(*command).is_refused("database", "locked")
    finally:
        other.close()
    assert ready("ledger").code == 0


def test_a_read_only_database_is_one_line(ready: Monitor, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_DATABASE_URL", f"sqlite:///file:{home / 'monitor.db'}?mode=ro&uri=true")
    add = ("staff", "add", "--name", "Dr Ray", "--phone", "+1 202 555 0180")
    assert ready(*add).is_refused("database", "readonly")


def test_a_file_that_is_no_database_is_one_line(ready: Monitor, home: Path) -> None:
    (home / "monitor.db").write_bytes(b"not a database, but long enough to look at" * 100)
    for command in (("init",), ("ledger",), ("run",)):
        assert ready(*command).is_refused("database")


def test_a_full_disk_is_one_line_and_nothing_is_half_kept(ready: Monitor, home: Path) -> None:
    options = ("--name", "Ann Lee", "--phone", "+1 202 555 0123", "--surgery", "2026-11-01", "--consent", "form")
    full = run_monitor("enrol", *options, preexec_fn=forbid_growth)
    assert full.is_refused("database")
    assert "Ann" not in full.err
    assert ready("episode", "list", "--json").json == []


def forbid_growth() -> None:
    """No file may grow beyond a page, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
