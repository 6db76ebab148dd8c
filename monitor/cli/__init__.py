"""The command line: a few lines a command, everything heavy imported where it is needed."""

from __future__ import annotations

import sys

import typer

from monitor.cli import backups, checking, clinic, enrol, episodes, protocol, running, staff
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
for part in (clinic, running, enrol, episodes, staff, protocol, checking, backups):
    part.register(app)


def main() -> None:
    """Run a command; a mistake in the input is one clear line and exit code 2."""
    try:
        sys.exit(app(standalone_mode=False))
    except (MonitorError, typer.TyperException) as error:
        _explain(error)
        sys.exit(2)
    except (BrokenPipeError, typer.Abort):
        sys.stderr.close()
        sys.exit(1)


def _explain(error: MonitorError | typer.TyperException) -> None:
    """One line. A mistake in the command itself is followed by where its help is."""
    message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
    line = " ".join(message.split())
    context = getattr(error, "ctx", None)
    if context is not None:
        line = f"{line.rstrip('.')}. See `{context.command_path} --help`."
    if message:  # a group of commands named alone has printed its help and says nothing more
        print(f"monitor: {line}", file=sys.stderr)  # noqa: T201
