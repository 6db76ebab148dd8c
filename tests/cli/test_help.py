"""Every command explains itself, with an example; `bench_help` says how soon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from monitor.cli import app
from tests.cli.conftest import Monitor, run_python

HEAVY = {"sqlalchemy", "fastapi", "twilio", "apscheduler", "phonenumbers", "holidays", "uvicorn", "pydantic_settings"}
AS_A_COMMAND = """
import sys
sys.argv[0] = "monitor"
from contextlib import suppress
from monitor.cli import main
with suppress(SystemExit):
    main()
print(*sorted(m for m in sys.modules if '.' not in m), file=sys.stderr)
"""


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command's words: ("staff", "add")."""
    children = getattr(command, "commands", None)
    if not children:
        yield path
        return
    for name, child in children.items():
        yield from leaves(child, (*path, name))


COMMANDS = list(leaves(typer.main.get_command(app)))
GROUPS = sorted({path[:1] for path in COMMANDS if len(path) > 1})


def test_the_commands_of_the_contract_are_all_there() -> None:
    contract = """init clinic-show clinic-set run web worker demo enrol staff-add staff-list interpret
        protocol-check protocol-show protocol-load ledger doctor"""
    assert set(contract.split()) <= {"-".join(path) for path in COMMANDS}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_each_command_has_help_with_an_example(path: tuple[str, ...], monitor: Monitor) -> None:
    shown = monitor(*path, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert "Example" in shown.out
    assert f"monitor {' '.join(path)}" in shown.out.split("Example")[1]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_each_option_says_what_it_is(path: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]
    assert [option.name for option in command.params if not (option.help or "").strip()] == []


@pytest.mark.parametrize("path", [(), *GROUPS], ids=" ".join)
def test_a_group_named_alone_lists_its_commands(path: tuple[str, ...], monitor: Monitor) -> None:
    shown = monitor(*path)
    assert shown.code == 2
    assert "Commands" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize("path", [(), ("run",), ("enrol",), ("demo",), ("interpret",)], ids=" ".join)
def test_help_loads_nothing_heavy(path: tuple[str, ...]) -> None:
    shown = run_python(AS_A_COMMAND, *path, "--help")
    assert "Example" in shown.stdout or not path
    loaded = set(shown.stderr.split())
    assert "typer" in loaded
    assert HEAVY & loaded == set()
