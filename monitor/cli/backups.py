"""Backups: make one, put one back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import example

To = Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Where to write it; unset: MONITOR_HOME/backups.")]


def register(app: typer.Typer) -> None:
    app.command("backup", epilog=example("monitor backup", "monitor backup --to /mnt/elsewhere"))(backup)


def backup(to: To = None) -> None:
    """Copy the whole database into one file, while everything goes on."""
    from monitor.bootstrap import build
    from monitor.services.backup import back_up

    app = build()
    try:
        with _progress("backing up") as tell:
            path = back_up(app.engine, app.sessions, to or app.settings.backups, clock=app.clock, tell=tell)
    finally:
        app.engine.dispose()
    typer.echo(f"{path} ({_size(path.stat().st_size)})")


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar in a terminal, which goes away at the end; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not Console(stderr=True).is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _size(count: int) -> str:
    """
    >>> _size(1_234_567)
    '1.2 MB'
    """
    return f"{count / 1e6:,.1f} MB"
