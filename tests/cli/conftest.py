"""The command line as somebody at a terminal has it: arguments in, exit code and two streams out."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from monitor.bootstrap import prepare
from monitor.cli import main
from monitor.clock import SystemClock
from monitor.config import Settings, SmsKind
from monitor.db import data_folder, open_sessions, transaction
from monitor.services.init import initialise

ENROL = {
    "--name": "Ann Lee",
    "--phone": "+1 202 555 0123",
    "--surgery": "",  # set by the fixture to a day that is not long ago
    "--consent": "signed form",
}
ROOT = Path(__file__).parents[2]
NAMES = ("MONITOR_", "TWILIO_")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()

    def is_refused(self, *parts: str) -> bool:
        """Exit 2, nothing on standard output, and one line that holds all of these."""
        assert (self.code, self.out, len(self.lines)) == (2, "", 1), self
        missing = [part for part in parts if part not in self.lines[0]]
        assert missing == [], self
        return True


Monitor = Callable[..., Done]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, no setting from outside, and no .env in the current directory."""
    import os

    for name in [name for name in os.environ if name.startswith(NAMES)]:  # noqa: TID251 -- to be rid of them
        monkeypatch.delenv(name)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Monitor:
    """Run one command in this process: `monitor("staff", "list", "--json")`."""

    def run(*arguments: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["monitor", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, out, err)

    return run


@pytest.fixture(scope="session")
def home_to_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that is set up, made once."""
    folder = tmp_path_factory.mktemp("set-up") / "home"
    settings = Settings.model_construct(home=folder, database=None, sms=SmsKind.PHONES)
    engine = prepare(settings)
    with transaction(open_sessions(engine)) as session:
        initialise(session, {"name": "Smile Dental", "timezone": "America/New_York"}, now=SystemClock().now())
    engine.dispose()
    return folder


@pytest.fixture
def ready(monitor: Monitor, home: Path, home_to_copy: Path) -> Monitor:
    """The same on a home that is set up."""
    shutil.copytree(home_to_copy, home)
    return monitor


@pytest.fixture
def enrol(ready: Monitor) -> Callable[..., Done]:
    """`enrol(phone="12")` enrols as usual but for that; None leaves an option out."""
    surgery = (SystemClock().now() - timedelta(days=2)).date().isoformat()

    def run(*more: str, **changes: str | None) -> Done:
        given = ENROL | {"--surgery": surgery} | {f"--{name}": value for name, value in changes.items()}
        options = [part for name, value in given.items() if value is not None for part in (name, value)]
        return ready("enrol", *options, *more)

    return run


@pytest.fixture
def impatient() -> Iterator[None]:
    """A locked database is waited for only a moment."""

    def shorten(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    event.listen(Pool, "checkout", shorten)
    yield
    event.remove(Pool, "checkout", shorten)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A clinic's own copy of the seeds, not edited yet."""
    return shutil.copytree(data_folder("seeds"), tmp_path / "seeds")


@pytest.fixture
def edited_seeds(seeds: Path) -> Path:
    """The copy with one deadline changed."""
    policy = seeds / "escalation.toml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("next_tier_minutes = 15", "next_tier_minutes = 20", 1), encoding="utf-8")
    assert policy.read_text(encoding="utf-8") != text
    return seeds


def run_python(program: str, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """A process of its own, which finds the package whether or not it is installed."""
    import os

    env = dict(os.environ) | {"PYTHONPATH": str(ROOT)} | more.pop("env", {})  # noqa: TID251 -- handed on
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, **more)


def run_monitor(*arguments: str, **more: Any) -> Done:
    """`monitor` in a process of its own."""
    done = run_python("import sys; sys.argv[0] = 'monitor'; from monitor.cli import main; main()", *arguments, **more)
    return Done(done.returncode, done.stdout, done.stderr)
