"""What the commands share: the wired program, one transaction, output for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.errors import BadInput

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from monitor.bootstrap import App

MAX_ID = 2**31 - 1  # what every database's integer column holds
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def example(*lines: str) -> str:
    """The end of a command's help."""
    return "**Example**\n\n" + "\n\n".join(f"`{line}`" for line in lines)


@contextmanager
def unit_of_work(*, with_protocol: bool = False) -> Iterator[tuple[Session, App, datetime]]:
    """The program, one transaction on its database, and the time. A command that reads the protocol says so,
    and it is parsed before the transaction begins."""
    from monitor.bootstrap import build
    from monitor.db import transaction
    from monitor.services.release import require_fit
    from monitor.services.seed import parse_ahead

    app = build()
    try:
        require_fit(app.engine)
        if with_protocol:
            parse_ahead(app.sessions)
        with transaction(app.sessions) as session:
            yield session, app, app.clock.now()
    finally:
        app.engine.dispose()


def json_of(value: Any, *, indent: int | None = None) -> str:
    return json.dumps(value, default=str, ensure_ascii=True, indent=indent)


def show_json(value: Any) -> None:
    typer.echo(json_of(value, indent=1))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table that fits the terminal; no rows say so in words."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        typer.echo(f"{title}: none")
        return
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console().print(table, markup=False)


def show_calendar(plan: Sequence[Mapping[str, object]]) -> None:
    show_table("Texts", ["what", "due (local)", "state", "why"], [list(row.values()) for row in plan])


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar in a terminal, which goes away at the end; nothing elsewhere. It is told how much is done, of how much."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    # What is printed meanwhile goes above the bar, but into a file or a pipe it goes as always.
    above = sys.stdout.isatty()
    with Progress(console=console, transient=True, disable=not console.is_terminal, redirect_stdout=above) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def whole(field: str, low: int = 1, high: int = MAX_ID) -> Callable[[str], int]:
    """A parser of whole numbers for a command's option or argument.

    >>> whole("port", 1, 65535)("80")
    80
    """

    def parse(text: str) -> int:
        digits = str(text).strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) < 12 and low <= int(digits) <= high):
            raise BadInput(field, text, f"a whole number from {low} to {high}")
        return int(digits)

    return parse


OfClinic = Annotated[
    int | None,
    typer.Option(
        "--clinic",
        parser=whole("clinic"),
        metavar="ID",
        help="Which clinic, as `monitor clinic list` shows it; unset: the first.",
    ),
]
