"""Episodes: list, change or cancel them."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor.cli.common import AsJson, example, show_calendar, show_json, show_table, unit_of_work, whole

Number = Annotated[int, typer.Argument(parser=whole("episode"), metavar="EPISODE", help="The episode's number.")]

commands = typer.Typer(help="List, change or cancel episodes.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="episode")


@commands.command("list", epilog=example("monitor episode list"))
def list_(json: AsJson = False) -> None:
    """Every episode, newest surgery first, with initials and chart number as pages name them."""
    from monitor.worklists.commands import episodes

    with unit_of_work() as (session, _, now):
        rows = episodes(session, now)
    if json:
        show_json(rows)
    else:
        columns = ["episode", "patient", "initials", "chart", "surgery", "day", "state", "next text"]
        show_table("Episodes", columns, [list({**row, "chart": row["chart"] or "-"}.values()) for row in rows])


@commands.command("change", epilog=example("monitor episode change 7 --surgery 2026-11-20"))
def change(
    episode: Number,
    surgery: Annotated[str | None, typer.Option(help="The new date of surgery.")] = None,
    timezone: Annotated[str | None, typer.Option(help="The patient's new time zone.")] = None,
    crown: Annotated[str | None, typer.Option(help="The day the crown was fitted.")] = None,
    json: AsJson = False,
) -> None:
    """Change the surgery date, the time zone, or note the crown; what was not sent yet is planned anew and shown."""
    from monitor.domain.localtime import parse_date
    from monitor.services.change import change_episode, find_episode
    from monitor.worklists.commands import planned_texts

    with unit_of_work(with_protocol=True) as (session, _, now):
        change_episode(
            session,
            find_episode(session, episode),
            surgery_on=parse_date("surgery", surgery) if surgery else None,
            timezone=timezone,
            crown_on=parse_date("crown", crown) if crown else None,
            now=now,
        )
        session.flush()
        plan = planned_texts(session, episode)
    if json:
        show_json({"episode": episode, "texts": plan})
        return
    typer.echo(f"episode {episode}: changed")
    show_calendar(plan)


@commands.command("cancel", epilog=example("monitor episode cancel 7"))
def cancel(episode: Number) -> None:
    """No more scheduled texts; what the patient writes is still read."""
    from monitor.services.change import cancel_episode, find_episode

    with unit_of_work() as (session, _, now):
        taken_back = cancel_episode(session, find_episode(session, episode), now=now)
    typer.echo(f"episode {episode}: cancelled, {taken_back} texts taken back")
