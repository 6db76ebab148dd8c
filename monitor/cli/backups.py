"""Backups: make one, put one back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import example, progress
from monitor.errors import BadInput

if TYPE_CHECKING:
    from monitor.config import Settings

To = Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Where to write it; unset: MONITOR_HOME/backups.")]

File = Annotated[Path | None, typer.Argument(metavar="FILE", help="What `monitor backup` wrote.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a database in use; it is backed up first.")]


def register(app: typer.Typer) -> None:
    app.command("backup", epilog=example("monitor backup", "monitor backup --to /mnt/elsewhere"))(backup)
    app.command("restore", epilog=example("monitor restore backups/monitor-20261122T093028Z.db"))(restore)


def backup(to: To = None) -> None:
    """Copy the whole database into one file, while everything goes on."""
    from monitor.bootstrap import build
    from monitor.services.backup import back_up

    app = build()
    try:
        with progress("backing up") as tell:
            path = back_up(app.engine, app.sessions, to or app.settings.backups, clock=app.clock, tell=tell)
    finally:
        app.engine.dispose()
    typer.echo(f"{path} ({_size(path.stat().st_size)})")


def restore(file: File = None, replace: Replace = False) -> None:
    """Put a backup back, ask the provider what was sent and received since, and only then let workers send.

    Stop every `monitor run`, `web` and `worker` first. Without FILE: finish a restore that was broken off. A backup
    of SQLite may be put into PostgreSQL: set MONITOR_DATABASE_URL to the new database, and restore it there.
    """
    from monitor.bootstrap import build
    from monitor.config import read_settings
    from monitor.services.catch_up import catch_up, unfinished_since

    settings = read_settings()
    if file is not None:
        _put_back(settings, file, replace=replace)
    app = build(settings)
    try:
        since = unfinished_since(app.sessions)
        if since is None:
            raise BadInput("FILE", "nothing", "a file that `monitor backup` wrote; no restore waits to be finished")
        with progress("asking the provider") as tell:
            caught = catch_up(app.sessions, app.gateway, app.clock, since=since, tell=tell)
    finally:
        app.engine.dispose()
    typer.echo(
        f"as of {caught.since:%Y-%m-%d %H:%M:%S} UTC. The provider knew of {caught.sent} texts sent since then, which "
        f"will not be sent again, and of {caught.received} replies. What was entered by hand since then (patients, "
        "staff, outcomes) must be entered anew."
    )


def _put_back(settings: Settings, file: Path, *, replace: bool) -> None:
    from monitor.bootstrap import prepare
    from monitor.clock import SystemClock
    from monitor.db import open_sessions
    from monitor.services.backup import back_up
    from monitor.services.migrate import migrate
    from monitor.services.restore import is_empty, opened, put_back, refuse_while_alive

    clock, engine = SystemClock(), prepare(settings)
    sessions = open_sessions(engine)
    try:
        refuse_while_alive(sessions, clock.now())
        empty = is_empty(sessions)
        if not (empty or replace):
            raise BadInput("database", "one in use", "an empty one, or --replace, which first backs up what is there")
        with progress("checking the backup") as tell, opened(engine, file, tell=tell) as ready:
            if not empty:
                typer.echo(f"what was there: {back_up(engine, sessions, settings.backups, clock=clock)}", err=True)
            put_back(engine, ready, tell=tell)
        migrate(engine)
    finally:
        engine.dispose()


def _size(count: int) -> str:
    """
    >>> _size(1_234_567)
    '1.2 MB'
    """
    return f"{count / 1e6:,.1f} MB"
