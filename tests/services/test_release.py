"""A database of another release: what this program does with one that is older, newer, or beyond it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from monitor.bootstrap import App, prepare_if_new
from monitor.clock import StoppedClock
from monitor.domain.release import Fit
from monitor.errors import NotReady
from monitor.services import migrate as migrating
from monitor.services import release
from monitor.services.doctor import examine
from monitor.services.migrate import migrate
from monitor.services.release import look, require_fit, watched
from tests.releases import ADDITIVE, BREAKING, add_release, head_of
from tests.web.visitor import Visitor

Become = Callable[[Path | None], None]


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> Become:
    """Be the program of the release with these migrations; None is ours."""
    ours = release.migrations_folder()

    def become(folder: Path | None) -> None:
        for module in (release, migrating):
            monkeypatch.setattr(module, "migrations_folder", lambda: folder or ours)

    return become


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    return add_release(tmp_path / "next", "next", ADDITIVE)


@pytest.fixture
def last_release(tmp_path: Path, next_release: Path) -> Path:
    return add_release(tmp_path / "last", "last", BREAKING, follows=next_release)


def test_a_database_of_our_own_release(app: App) -> None:
    assert require_fit(app.engine) == Fit.SAME


def test_an_older_database_is_not_migrated_in_passing(app: App, become: Become, next_release: Path) -> None:
    become(next_release)
    with pytest.raises(NotReady, match="older than this program: run `monitor init`"):
        require_fit(app.engine)
    assert look(app.engine) == Fit.OLDER


def test_a_newer_database_that_only_added_will_do(app: App, become: Become, next_release: Path) -> None:
    become(next_release)
    migrate(app.engine)
    assert look(app.engine) == Fit.SAME
    become(None)
    assert require_fit(app.engine) == Fit.NEWER


def test_a_newer_database_that_took_away_is_refused(
    app: App, become: Become, next_release: Path, last_release: Path
) -> None:
    """By the program that it says is too old, and by no later one."""
    become(last_release)
    migrate(app.engine)
    for folder, fit in ((None, Fit.BEYOND), (next_release, Fit.BEYOND), (last_release, Fit.SAME)):
        become(folder)
        assert look(app.engine) == fit
    become(None)
    with pytest.raises(NotReady, match="cannot work: install that version here"):
        require_fit(app.engine)


def test_a_set_up_by_an_older_program_leaves_a_newer_database_as_it_is(
    app: App, become: Become, next_release: Path, last_release: Path
) -> None:
    become(next_release)
    migrate(app.engine)
    become(None)
    migrate(app.engine)
    with app.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == head_of(next_release)
    become(last_release)
    migrate(app.engine)
    become(None)
    with pytest.raises(NotReady, match="cannot work"):
        migrate(app.engine)


def test_a_database_of_somebody_else_is_refused(app: App) -> None:
    with app.engine.begin() as connection:
        connection.execute(text("DROP TABLE compatibility"))
        connection.execute(text("UPDATE alembic_version SET version_num = 'theirs'"))
    assert look(app.engine) == Fit.BEYOND


def test_doctor_and_readyz_say_it(
    app: App, clock: StoppedClock, become: Become, next_release: Path, last_release: Path
) -> None:
    visitor = Visitor(app, clock)

    def shown() -> tuple[str, str]:
        checks = examine(
            app.sessions, app.gateway, app.clock, public_url=app.settings.public_url, trusted_proxies="::1"
        )
        ready = visitor.get("/readyz").json()["database"]
        return next(check.level for check in checks if check.what == "release"), ready

    assert shown() == ("ok", "ok")
    become(next_release)
    migrate(app.engine)
    become(None)
    assert shown() == ("gap", "ok")
    become(last_release)
    migrate(app.engine)
    become(None)
    assert shown() == ("wrong", f"{Fit.BEYOND}")


def test_who_runs_ends_when_the_database_goes_beyond(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "EVERY", 0.05)
    ended = threading.Event()
    with pytest.raises(NotReady, match="cannot work"), watched(app.engine, ended.set):  # noqa: PT012 -- the end of it
        assert not ended.wait(0.3)
        with app.engine.begin() as elsewhere:
            elsewhere.execute(text("UPDATE alembic_version SET version_num = 'last'"))
            elsewhere.execute(text("UPDATE compatibility SET oldest = 'last'"))
        assert ended.wait(5)


def test_who_ends_by_itself_ends_well(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody waits for the next look."""
    monkeypatch.setattr(release, "EVERY", 600)

    def run() -> None:
        with watched(app.engine, lambda: pytest.fail("nothing is wrong")):
            pass

    running = threading.Thread(target=run, daemon=True)
    running.start()
    running.join(60)
    assert not running.is_alive()


@pytest.mark.engine("postgresql")
def test_a_migration_holds_up_nobody_for_long_and_tries_again(
    app: App, become: Become, next_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads a table for long: whoever comes to it meanwhile waits for no longer than the migration tries."""
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT", "300ms")
    monkeypatch.setattr(migrating, "PAUSE", 0.3)
    become(next_release)
    upgrading = threading.Thread(target=migrate, args=(app.engine,))
    with app.engine.connect() as reading:
        reading.execute(text("SELECT count(*) FROM messages"))
        upgrading.start()
        for _ in range(20):
            time.sleep(0.1)
            with app.engine.connect() as other:
                other.execute(text("SET LOCAL lock_timeout = '30s'"))  # it would else wait for as long as who reads
                other.execute(text("SELECT count(*) FROM messages"))
        assert upgrading.is_alive()
    upgrading.join(60)
    assert look(app.engine) == Fit.SAME
    assert "ix_messages_tone" in {index["name"] for index in inspect(app.engine).get_indexes("messages")}


@pytest.mark.engine("postgresql")
def test_hosts_that_migrate_together_take_turns(app: App, become: Become, next_release: Path) -> None:
    become(next_release)
    errors: list[BaseException] = []

    def try_to() -> None:
        try:
            migrate(app.engine)
        except BaseException as error:  # noqa: BLE001 -- told below
            errors.append(error)

    threads = [threading.Thread(target=try_to) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert look(app.engine) == Fit.SAME


@pytest.mark.engine("sqlite")
def test_a_worker_refuses_to_start_on_an_older_database(
    app: App, become: Become, next_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.bootstrap.read_settings", lambda: app.settings)
    become(next_release)
    with pytest.raises(NotReady, match="run `monitor init`"):
        prepare_if_new()
    assert look(app.engine) == Fit.OLDER
