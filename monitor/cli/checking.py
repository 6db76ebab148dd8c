"""Is everything accounted for, and is everything set?"""

from __future__ import annotations

from dataclasses import asdict

import typer

from monitor.cli.common import AsJson, example, show_json, show_table, unit_of_work


def register(app: typer.Typer) -> None:
    app.command("ledger", epilog=example("monitor ledger", "monitor ledger --json"))(ledger)
    app.command("doctor", epilog=example("monitor doctor"))(doctor)


def ledger(json: AsJson = False) -> None:
    """Planned against actual: every text, reply and alert accounted for. Exit 1 if there is a hole."""
    from monitor.services.ledger import check_ledger

    with unit_of_work(with_protocol=True) as (session, _, now):
        found = check_ledger(session, now)
    if json:
        show_json(asdict(found))
    else:
        parts = {
            "texts to patients": found.texts,
            "texts to staff": found.pages,
            "replies": found.replies,
            "check-ins": found.checkins,
            "alerts": found.alerts,
        }
        rows = [(part, state, count) for part, counts in parts.items() for state, count in sorted(counts.items())]
        show_table("Ledger", ["what", "state", "count"], rows)
        show_table("Holes", ["what", "number", "why"], [(h.what, h.id, h.why) for h in found.holes])
    if found.holes:
        raise typer.Exit(1)


def doctor(json: AsJson = False) -> None:
    """Settings, database, provider, rota and clock: what is right, what is missing. Exit 1 if something is."""
    from monitor.bootstrap import build
    from monitor.services.doctor import examine

    app = build()
    found = examine(app.sessions, app.gateway, app.clock, public_url=app.settings.public_url)
    app.engine.dispose()
    if json:
        show_json([asdict(check) for check in found])
    else:
        show_table("Doctor", ["", "what", "found"], [(c.level, c.what, c.found) for c in found])
    if any(check.level == "wrong" for check in found):
        raise typer.Exit(1)
