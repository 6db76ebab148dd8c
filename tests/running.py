"""The installed program as a process of its own: commands, `monitor run`, and a bounded wait for what it does."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
PROGRAM = "import sys; sys.argv[0] = 'monitor'; from monitor.cli import main; main()"
END = 30.0  # seconds
WAIT = 70.0  # seconds; a text in doubt is looked for twice before it is sent again


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float = WAIT) -> T:
    """The first thing that `look` finds; fails when it finds nothing in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Installation:
    """A home, its settings, and at most one `monitor run` on it."""

    home: Path
    settings: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Everything that any start of it has printed."""
        return (self.home.parent / "run.log").read_text()

    def command(self, *arguments: str) -> str:
        """A command's output; it must succeed."""
        done = subprocess.run(self._program(*arguments), env=self._env(), capture_output=True, text=True, timeout=WAIT)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.command(*arguments, "--json"))

    def start(self) -> None:
        """`monitor run`, until it is ready."""
        self.spawn("run", "--port", str(self.port))
        wait_for("a ready program", self._is_ready)

    def spawn(self, *arguments: str) -> None:
        """A command that goes on until it is ended."""
        with (self.home.parent / "run.log").open("a") as log:
            self.process = subprocess.Popen(
                self._program(*arguments), env=self._env(), stdout=log, stderr=log, text=True
            )

    def kill(self) -> None:
        """As the power going out."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(WAIT)

    def end(self) -> int:
        """Ask it to end; its exit code. Fails when it takes far longer than it should."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What stands in the database."""
        with closing(sqlite3.connect(self.home / "monitor.db", timeout=WAIT)) as connection:
            found = connection.execute(query, values).fetchall()
            connection.commit()
            return found

    def get(self, path: str) -> str:
        with urlopen(f"{self.url}{path}", timeout=WAIT) as answer:
            return str(answer.read().decode())

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            return '"status":"ok"' in self.get("/readyz")
        except (URLError, OSError):
            return False

    def _program(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", PROGRAM, *arguments]

    def _env(self) -> dict[str, str]:
        here = os.environ.items()  # noqa: TID251 -- handed on, but for settings of this project
        outside = {name: value for name, value in here if not name.startswith(("MONITOR_", "TWILIO_"))}
        return outside | {"PYTHONPATH": str(ROOT), "MONITOR_HOME": str(self.home)} | self.settings
