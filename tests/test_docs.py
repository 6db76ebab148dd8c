"""The README names every command and setting, and says only what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from monitor.cli import app
from monitor.config import Settings
from monitor.domain.access import ROLES, Permission, Role, permissions_of
from tests.cli.test_help import COMMANDS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh\n(.+?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_is_in_the_readme(path: tuple[str, ...]) -> None:
    assert f"`monitor {' '.join(path)}`" in README


def test_every_command_in_the_readme_is_there() -> None:
    known = {*COMMANDS, *(path[:1] for path in COMMANDS)}
    named = re.findall(r"\bmonitor ((?:[a-z]+ ?){1,2})", "\n".join(re.findall(r"`([^`\n]+)`", README)))
    words = [tuple(name.split()) for name in named]
    assert [name for name in words if name not in known and name[:1] not in known] == []


def test_every_option_in_the_readme_is_there() -> None:
    options = {flag for path in COMMANDS for param in command_at(path).params for flag in param.opts}
    lines = [line for line in re.findall(r"`([^`]+)`", README) if line.startswith("monitor ")]
    named = {flag for line in lines for flag in re.findall(r"(?<=\s)--[a-z-]+", line)}
    assert named - options - {"--help"} == set()


def command_at(path: tuple[str, ...]) -> Any:
    found: Any = typer.main.get_command(app)
    for name in path:
        found = found.commands[name]
    return found


@pytest.mark.parametrize("name", [str(field.validation_alias) for field in Settings.model_fields.values()])
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert name in README


def test_the_two_commands_stand_alone_and_come_first() -> None:
    """Each is one line, from making the virtual environment to the result."""
    demo, test = (block.strip() for block in BLOCK.findall(README)[:2])
    for line, last in ((demo, "monitor demo"), (test, "pytest")):
        assert "\n" not in line
        assert line.startswith("python3 -m venv ")
        assert last in line.split("&&")[-1]
        assert last not in README[: README.index(line)]


def test_who_may_do_what_is_what_the_program_allows() -> None:
    head, rows = re.search(r"^\| may \|(.+)\|\n\|[-|]+\|\n((?:\|.+\|\n)+)", README, re.MULTILINE).groups()  # type: ignore[union-attr]
    roles = [Role(name.strip().replace(" ", "-")) for name in head.split("|")]
    table = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()]
    said = {(role, may): answer for may, *answers in table for role, answer in zip(roles, answers, strict=True)}
    allowed = {(role, may.value): "yes" if may in ROLES[role] else "no" for role in Role for may in Permission}
    assert said == allowed
    of_an_admin = {row[0] for row in table[-3:]}
    for role in Role:
        assert permissions_of(role, admin=True) == ROLES[role] | set(map(Permission, of_an_admin))


def test_it_says_that_no_clinician_has_signed_it_off() -> None:
    assert "No clinician has" in README
