"""Hosts are upgraded one after the other while texts go out: real workers of two releases on one database."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from monitor.db import migrations_folder
from monitor.services import migrate as migrating
from monitor.services.migrate import migrate
from tests.faults.fleet import NURSE, PATIENCE, Fleet
from tests.releases import ADDITIVE, BREAKING, add_release
from tests.running import wait_for
from tests.story import CHECKIN, FIRST_TEXT

pytestmark = pytest.mark.fault


def test_two_releases_side_by_side_and_then_the_newer_one_alone(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First a release that only adds, then one that takes something away from under the program before it."""
    added = add_release(tmp_path / "added", "added", ADDITIVE)
    taken = add_release(tmp_path / "taken", "taken", BREAKING, follows=added)

    def upgrade(folder: Path) -> None:
        monkeypatch.setattr(migrating, "migrations_folder", lambda: folder)
        monkeypatch.setattr("monitor.services.release.migrations_folder", lambda: folder)
        migrate(fleet.engine)

    def worker(folder: Path) -> subprocess.Popen[str]:
        return fleet._spawn("-m", "tests.releases", str(folder), "worker")

    numbers = fleet.enrol(30)
    old, web = worker(migrations_folder()), fleet.web()
    wait_for("the first text", fleet.texted(numbers[0], FIRST_TEXT), seconds=PATIENCE)
    upgrade(added)
    wait_for("a word about it", lambda: "with which this program still works" in fleet.log, seconds=PATIENCE)
    new = worker(added)
    numbers += fleet.enrol(30, first=30)
    wait_for("every text", lambda: all(fleet.texted(n, FIRST_TEXT, CHECKIN)() for n in numbers), seconds=PATIENCE)
    assert fleet.standin.patient_texts(numbers[0], "there is pus") == 200
    wait_for("the page", fleet.texted(NURSE, "pus"), seconds=PATIENCE)
    fleet.finish("the end of every text")
    assert [process.poll() for process in (old, web, new)] == [None, None, None]

    numbers += fleet.enrol(30, first=60)
    upgrade(taken)
    assert [process.wait(PATIENCE) for process in (old, web, new)] == [2, 2, 2]
    assert fleet.log.count("monitor: the database is of a newer version, with which this program cannot work") == 3
    worker(taken)
    wait_for("every text", lambda: all(fleet.texted(n, FIRST_TEXT, CHECKIN)() for n in numbers), seconds=PATIENCE)
    fleet.standin.mute()
    wait_for("the end of every text", fleet.is_done, seconds=PATIENCE)
    fleet.check()
    assert fleet.errors() == []
