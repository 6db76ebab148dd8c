"""Migrations: up, down and up again, and the same tables as the models."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from monitor.db import connect, migrations_folder
from monitor.models import Base
from monitor.services.migrate import migrate
from monitor.services.release import known_revisions
from tests.conftest import ENGINES
from tests.postgres import Databases
from tests.running import ROOT

DATED = re.compile(r"20\d{6}_[a-z_]+\.py")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        engine = connect(f"sqlite:///{tmp_path / 'new.db'}")
        yield engine
        engine.dispose()
        return
    databases: Databases = request.getfixturevalue("databases")
    with databases.new() as url:
        engine = connect(url)
        yield engine
        engine.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def test_up_down_and_up_again(engine: Engine) -> None:
    migrate(engine)
    assert tables(engine) == {*Base.metadata.tables, "alembic_version"}
    migrate(engine, "base")
    assert tables(engine) == {"alembic_version"}
    migrate(engine)
    migrate(engine)
    assert tables(engine) == {*Base.metadata.tables, "alembic_version"}


@pytest.mark.engine("postgresql")
def test_hosts_that_are_upgraded_together_take_turns(databases: Databases) -> None:
    with databases.new() as url, ThreadPoolExecutor(3) as hosts:
        engines = [connect(url) for _ in range(3)]
        list(hosts.map(migrate, engines))
        assert tables(engines[0]) == {*Base.metadata.tables, "alembic_version"}
        for engine in engines:
            engine.dispose()


def test_the_models_are_what_the_migrations_make(engine: Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_index_and_constraint_of_the_models_is_there(engine: Engine) -> None:
    migrate(engine)
    found = inspect(engine)
    for table in Base.metadata.sorted_tables:
        made = {i["name"] for i in found.get_indexes(table.name) if "duplicates_constraint" not in i}
        assert {index.name for index in table.indexes} == made
        assert len(table.foreign_keys) == len(found.get_foreign_keys(table.name)), table.name


def test_there_is_one_head_and_every_file_is_dated() -> None:
    script = ScriptDirectory(str(migrations_folder()))
    assert len(script.get_heads()) == 1
    names = [path.name for path in (migrations_folder() / "versions").glob("*.py")]
    assert [name for name in names if not DATED.fullmatch(name)] == []


def test_a_shipped_migration_needs_nothing_that_may_change() -> None:
    for path in (migrations_folder() / "versions").glob("*.py"):
        assert "monitor" not in re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE), path.name


def test_the_revisions_that_a_program_knows_are_those_of_alembic() -> None:
    scripts = ScriptDirectory(str(migrations_folder())).walk_revisions()
    assert known_revisions() == tuple(script.revision for script in scripts)


def test_a_program_that_looks_at_its_database_does_without_alembic(tmp_path: Path) -> None:
    """A worker would carry it around for as long as it runs."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    migrate(connect(url))
    look = "import sys; from monitor.db import connect; from monitor.services.release import require_fit; "
    program = f"{look}print(require_fit(connect({url!r})).works, 'alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
