"""The wheel carries all it needs: installed outside the checkout, the program checks its seeds and plays the demo."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import venv
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CARRIED = {"seeds": "*.toml", "migrations": "*.py", "monitor/web/templates": "*.html", "monitor/web/static": "*"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as anybody would; without a network to build it with, this is skipped."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    if "No matching distribution found for hatchling" in built.stderr:
        pytest.skip("pip cannot reach an index to fetch the build's tool from")
    assert built.returncode == 0, built.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def monitor(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in an environment of its own, which borrows this one's libraries but not the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    site = subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"], text=True).strip()
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True)
    ours = [path for path in map(Path, sys.path) if path.name == "site-packages"]
    (Path(site) / "borrowed.pth").write_text("\n".join(map(str, ours)) + "\n")
    return folder / "venv" / "bin" / "monitor"


def run(monitor: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"MONITOR_HOME": str(home / "home"), "HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "120"}
    return subprocess.run([monitor, *arguments], env=env, cwd=home, capture_output=True, text=True, timeout=900)


def test_every_file_that_is_read_while_running_is_inside(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in CARRIED.items():
        wanted = [path for path in (ROOT / folder).rglob(pattern) if path.is_file() and "__pycache__" not in path.parts]
        there = {f"monitor/{path.relative_to(ROOT).as_posix().removeprefix('monitor/')}" for path in wanted}
        assert there <= inside, sorted(there - inside)
        assert there


def test_nothing_of_the_tests_is_inside(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"monitor"}


def test_it_works_outside_the_checkout(monitor: Path, tmp_path: Path) -> None:
    checked = run(monitor, tmp_path, "protocol", "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    made = run(monitor, tmp_path, "init", "--clinic", "Smile Dental")
    assert made.returncode == 0, made.stderr
    assert "Smile Dental" in made.stdout
    assert run(monitor, tmp_path, "ledger").returncode == 0


@pytest.mark.slow
def test_the_demo_plays_its_year(monitor: Path, tmp_path: Path) -> None:
    played = run(monitor, tmp_path, "demo", "--quick")
    assert played.returncode == 0, played.stderr
    assert f"MONITOR_HOME='{tmp_path / 'home' / 'demo'}'" in played.stdout
    assert not (tmp_path / "home" / "monitor.db").exists()
    with closing(sqlite3.connect(tmp_path / "home" / "demo" / "monitor.db")) as database:
        still_open = database.execute("SELECT count(*) FROM alerts WHERE closed_at IS NULL").fetchone()
    assert still_open == (1,)  # whoever opens the console finds something to do
