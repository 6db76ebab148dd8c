"""Every command explains itself, with an example, before anybody has time to wonder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import pytest
import typer

from monitor.cli import app
from tests.cli.conftest import Monitor, run_monitor, run_python

HEAVY = {"sqlalchemy", "fastapi", "twilio", "apscheduler", "phonenumbers", "holidays", "uvicorn", "pydantic_settings"}
WITHIN = 0.5
BARE = """
import sys, typer
app = typer.Typer(rich_markup_mode="markdown", add_completion=False)
app.command("one")(lambda: None)
app.command("two")(lambda: None)
sys.argv = ["bare", "--help"]
app()
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


def test_help_answers_before_anybody_wonders() -> None:
    """In half a second; where a program of two commands takes longer than a quarter of one, in twice its time."""
    within = max(WITHIN, 2 * seconds_of(lambda: run_python(BARE).returncode))
    for path in ([], ["run"], ["enrol"], ["demo"], ["interpret"]):
        assert seconds_for(*path, "--help") < within, path


def test_help_loads_nothing_heavy() -> None:
    loaded = run_python(
        "import sys; from typer.main import get_command; from monitor.cli import app; get_command(app);"
        "print(*sorted(m for m in sys.modules if '.' not in m))"
    )
    assert HEAVY & set(loaded.stdout.split()) == set()


def seconds_for(*arguments: str) -> float:
    return seconds_of(lambda: run_monitor(*arguments).code)


def seconds_of(run: Callable[[], int]) -> float:
    """The processor's seconds, so that other work on the machine does not count."""
    before = getrusage(RUSAGE_CHILDREN)
    assert run() == 0
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
