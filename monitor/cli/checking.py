"""Is everything accounted for, and is everything set?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from monitor.cli.common import AsJson, example, json_of, progress, show_json, show_table

if TYPE_CHECKING:
    from monitor.services.ledger import Hole, Ledger


def register(app: typer.Typer) -> None:
    app.command("ledger", epilog=example("monitor ledger", "monitor ledger --json"))(ledger)
    app.command("doctor", epilog=example("monitor doctor"))(doctor)


def ledger(json: AsJson = False) -> None:
    """Planned against actual: every text, reply and alert accounted for. Exit 1 if there is a hole."""
    from monitor.bootstrap import build
    from monitor.clock import SystemClock
    from monitor.db import reading, transaction
    from monitor.services.ledger import ALL_HOLES, Ledger, look_through
    from monitor.services.seed import parse_ahead
    from monitor.services.tally import set_tally

    app, counts = build(), Ledger()
    try:
        parse_ahead(app.sessions)
        with progress("looking through the ledger") as tell:
            sessions, share = app.sessions, lambda done: tell(round(done * 100), 100)
            found = look_through(lambda: reading(sessions), counts, app.clock.now(), tell=share)
            holes = (_tell_in_json if json else _tell_in_lines)(found)
        (_count_in_json if json else _count_in_lines)(counts, holes)
        with transaction(app.sessions) as session:
            set_tally(session, ALL_HOLES, holes, at=SystemClock().now())
    finally:
        app.engine.dispose()
    if holes:
        raise typer.Exit(1)


# Holes are told as they are found, for there may be more of them than there is memory for.


def _tell_in_json(found: Iterator[Hole]) -> int:
    typer.echo('{\n "holes": [', nl=False)
    number = 0
    for hole in found:
        typer.echo(f"{',' if number else ''}\n  {json_of(asdict(hole))}", nl=False)
        number += 1
    typer.echo("\n ]," if number else "],")
    return number


def _count_in_json(counts: Ledger, _holes: int) -> None:
    parts = {part: by_state for part, by_state in asdict(counts).items() if part != "holes"}
    typer.echo(",\n".join(f' "{part}": {json_of(by_state)}' for part, by_state in parts.items()) + "\n}")


def _tell_in_lines(found: Iterator[Hole]) -> int:
    number = 0
    for hole in found:
        typer.echo(f"hole: {hole.what} {hole.id}: {hole.why}")
        number += 1
    return number


def _count_in_lines(counts: Ledger, holes: int) -> None:
    parts = {
        "texts to patients": counts.texts,
        "texts to staff": counts.pages,
        "replies": counts.replies,
        "check-ins": counts.checkins,
        "alerts": counts.alerts,
    }
    rows = [(part, state, count) for part, by_state in parts.items() for state, count in sorted(by_state.items())]
    show_table("Ledger", ["what", "state", "count"], rows)
    typer.echo(f"Holes: {holes or 'none'}")


def doctor(json: AsJson = False) -> None:
    """Settings, database, provider, rota and clock: what is right, what is missing.

    Exit 1 if something is wrong, so that nobody can be texted or paged; what is no more than a gap exits 0."""
    from monitor.bootstrap import build
    from monitor.services.doctor import examine

    app = build()
    settings = app.settings
    found = examine(
        app.sessions,
        app.gateway,
        app.clock,
        public_url=settings.public_url,
        trusted_proxies=settings.trusted_proxies,
    )
    app.engine.dispose()
    if json:
        show_json([asdict(check) for check in found])
    else:
        show_table("Doctor", ["", "what", "found"], [(c.level, c.what, c.found) for c in found])
    if any(check.level == "wrong" for check in found):
        raise typer.Exit(1)
