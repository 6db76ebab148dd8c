"""The protocol as data: check it, show it, load an edited copy; and read texts without any set-up."""

from __future__ import annotations

import json as json_
import sys
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import AsJson, example, show_json, unit_of_work
from monitor.errors import BadInput

commands = typer.Typer(help="Check, show or load the protocol.", no_args_is_help=True)
Folder = Annotated[Path | None, typer.Argument(help="A folder laid out like seeds/; unset: the program's own.")]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="protocol")
    line = """echo '{"id": 1, "text": "3, some yellow stuff", "question": "pain", "day": 7}' | monitor interpret"""
    app.command("interpret", epilog=example(line))(interpret)


@commands.command("check", epilog=example("monitor protocol check my-seeds"))
def check(folder: Folder = None, json: AsJson = False) -> None:
    """Refuse what is contradictory: file, key, what was found, what is allowed. Exit 2 if anything is."""
    from monitor.domain.bundle import check_bundle
    from monitor.services.seed import read_files

    files = read_files(folder)
    errors = check_bundle(files)
    if json:
        show_json([{"where": e.field, "found": str(e.found), "allowed": e.allowed} for e in errors])
    for error in errors if not json else ():
        typer.echo(str(error), err=True)
    if errors:
        raise typer.Exit(2)
    if not json:
        typer.echo(f"{len(files)} files, no contradiction")


@commands.command("show", epilog=example("monitor protocol show"))
def show(folder: Folder = None) -> None:
    """The protocol as a dentist reads it: every rule with its days, band and source."""
    from monitor.domain.bundle import load_bundle
    from monitor.domain.describe import describe
    from monitor.services.seed import read_files

    typer.echo(describe(load_bundle(read_files(folder)).protocol))


@commands.command("load", epilog=example("monitor protocol load my-seeds"))
def load(
    folder: Annotated[Path, typer.Argument(help="A folder laid out like seeds/.")],
    apply_open: Annotated[
        bool, typer.Option("--apply-open", help="Move open episodes to it too; this is recorded.")
    ] = False,
) -> None:
    """Store an edited copy as a new version. Episodes keep the version they started with."""
    from monitor.services.change import move_open_episodes
    from monitor.services.seed import read_files, store_version

    with unit_of_work() as (session, _, now):
        version = store_version(session, read_files(folder), now=now)
        moved = move_open_episodes(session, version, now=now) if apply_open else 0
        typer.echo(f"protocol version {version.id} ({version.digest[:12]}); open episodes moved: {moved}")


def interpret() -> None:
    """Read texts from JSON lines on standard input; write what was understood as JSON lines.

    Needs no set-up. In: id, text, question, day, lang. Out: id, signs, trend, amount, pain, temp_c, intent,
    band, disposition, evidence (code points of the text as received), reasons.
    """
    from monitor.domain.bundle import load_bundle
    from monitor.services.interpret_lines import interpret_line
    from monitor.services.seed import read_files

    bundle = load_bundle(read_files())
    for number, line in enumerate(sys.stdin.buffer, start=1):
        text = line.decode("utf-8-sig", "replace")
        if not text.strip():
            continue
        try:
            given = json_.loads(text)
        except (ValueError, RecursionError):
            raise BadInput(f"line {number}", text[:60].strip(), "one JSON object a line") from None
        typer.echo(json_.dumps(interpret_line(bundle, given, number), ensure_ascii=True))
