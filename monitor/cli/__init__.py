"""The command line: a few lines a command, everything heavy imported where it is needed."""

from __future__ import annotations

import sys

import typer

from monitor.cli import checking, clinic, episodes, protocol, running, staff
from monitor.errors import MonitorError

app = typer.Typer(
    name="monitor",
    help="Texts dental-implant patients after surgery, reads what they reply, and pages staff until "
    "somebody has taken it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for part in (clinic, running, episodes, staff, protocol, checking):
    part.register(app)


def main() -> None:
    """Run a command; a mistake in the input is one clear line and exit code 2."""
    try:
        app()
    except MonitorError as error:
        print(f"monitor: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
