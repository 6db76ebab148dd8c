"""Staff: who they are, when they are on call, the alerts and tasks they work on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import AsJson, OfClinic, example, show_json, show_table, unit_of_work, whole

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from monitor.bootstrap import App
    from monitor.models import Staff

PersonId = Annotated[
    int, typer.Argument(parser=whole("staff"), metavar="STAFF", help="The id, as `monitor staff list` shows it.")
]
AlertId = Annotated[int, typer.Argument(parser=whole("alert"), metavar="ALERT", help="The alert's number.")]
TaskId = Annotated[int, typer.Argument(parser=whole("task"), metavar="TASK", help="The task's number.")]
Tier = Annotated[
    int,
    typer.Option(parser=whole("tier", 1, 9), metavar="1-9", help="1 is paged first, 2 if tier 1 does not answer ..."),
]
By = Annotated[int, typer.Option(parser=whole("by"), metavar="STAFF", help="The id of whoever does this.")]
InsteadOf = Annotated[
    int | None, typer.Option(parser=whole("instead-of"), metavar="STAFF", help="Whom they stand in for.")
]

people = typer.Typer(help="Add and list staff.", no_args_is_help=True)
rota = typer.Typer(help="Who is on call when.", no_args_is_help=True)
alerts = typer.Typer(help="Open alerts: list, take, record the outcome.", no_args_is_help=True)
tasks = typer.Typer(help="The front desk's tasks.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(people, name="staff")
    app.add_typer(rota, name="rota")
    app.add_typer(alerts, name="alert")
    app.add_typer(tasks, name="task")


@people.command("add", epilog=example('monitor staff add --name "Dr Ray" --phone "+1 202 555 0180" --tier 1'))
def add(
    name: Annotated[str, typer.Option(help="Name.")],
    phone: Annotated[str, typer.Option(help="A mobile number that pages go to.")],
    email: Annotated[str | None, typer.Option(help="E-mail address.")] = None,
    tier: Tier = 1,
    role: Annotated[str, typer.Option(help="clinician, front-desk or manager.")] = "clinician",
    admin: Annotated[bool, typer.Option("--admin", help="May manage staff in the console.")] = False,
    clinic: OfClinic = None,
    json: AsJson = False,
) -> None:
    """Add somebody who is paged, and print the code with which they sign in to the console.

    Until a tier has a shift, everybody in it is on call at all hours."""
    from monitor.services.clinic import the_clinic
    from monitor.services.staff import add_staff

    with unit_of_work() as (session, app, now):
        where = the_clinic(session, clinic)
        person = add_staff(session, where, name, phone, email=email, tier=tier, role=role, admin=admin, now=now)
        answer = {"staff": person.id, "name": person.name, "tier": person.tier}
        invited = None if json else _invited(session, app, person, now)
    if invited is None:
        show_json(answer)
    else:
        typer.echo(f"staff {answer['staff']}: {answer['name']}, tier {answer['tier']}")
        _show_invited(invited)


@people.command("invite", epilog=example("monitor staff invite 1"))
def invite(person: PersonId, json: AsJson = False) -> None:
    """A new code to join with, in the place of any before: for the first time, or after a lost phone or password."""
    from monitor.services.staff import find_staff

    with unit_of_work() as (session, app, now):
        invited = _invited(session, app, find_staff(session, person), now)
    if json:
        show_json(invited)
    else:
        _show_invited(invited)


def _invited(session: Session, app: App, person: Staff, now: datetime) -> dict[str, object]:
    from monitor.clock import SystemClock
    from monitor.services.join import invite

    code = invite(session, person, now=now, real_now=SystemClock().now())
    where = f"{app.settings.public_url.rstrip('/')}/join"
    return {"staff": person.id, "phone": person.phone, "join": where, "code": code}


def _show_invited(invited: dict[str, object]) -> None:
    from monitor.domain.access import INVITED_FOR

    number, code = invited["phone"], invited["code"]
    typer.echo(f"to sign in: {invited['join']} with {number} and the code {code}, once, within {INVITED_FOR.days} days")


@people.command("list", epilog=example("monitor staff list"))
def list_(json: AsJson = False) -> None:
    """Everybody who is paged, and who is on call now."""
    from monitor.worklists.commands import staff

    with unit_of_work() as (session, _, now):
        rows = staff(session, now)
    if json:
        show_json(rows)
    else:
        show_table("Staff", ["id", "name", "phone", "tier", "role", "on call"], [list(r.values()) for r in rows])


@people.command("remove", epilog=example("monitor staff remove 3"))
def remove(person: PersonId) -> None:
    """Somebody has left and is not paged any more."""
    from monitor.services.staff import remove_staff

    with unit_of_work() as (session, _, now):
        remove_staff(session, person, now=now)
    typer.echo(f"staff {person}: removed")


@rota.command("shift", epilog=example("monitor rota shift 1 --days mon-fri --from 19:00 --to 07:00"))
def shift(
    person: PersonId,
    days: Annotated[str, typer.Option(help="mon, mon-fri, sat-sun ...")],
    start: Annotated[str, typer.Option("--from", help="HH:MM, the clinic's clock.")],
    end: Annotated[str, typer.Option("--to", help="HH:MM; not after --from: next day.")],
) -> None:
    """A weekly shift. The first shift of a tier ends its being on call at all hours."""
    from monitor.services.rota import add_shift

    with unit_of_work() as (session, _, now):
        add_shift(session, person, days, start, end, now=now)
    typer.echo(f"staff {person}: on call {days} {start}-{end}")


@rota.command(
    "cover",
    epilog=example('monitor rota cover 2 --instead-of 1 --from "2026-12-24 08:00" --to "2026-12-27 08:00"'),
)
def cover(
    person: PersonId,
    start: Annotated[str, typer.Option("--from", help="YYYY-MM-DD HH:MM, the clinic's clock.")],
    end: Annotated[str, typer.Option("--to", help="YYYY-MM-DD HH:MM.")],
    instead_of: InsteadOf = None,
) -> None:
    """For once, somebody is on call beside the shifts or instead of somebody."""
    from monitor.services.rota import add_cover

    with unit_of_work() as (session, _, now):
        add_cover(session, person, start, end, instead_of=instead_of, now=now)
    typer.echo(f"staff {person}: covers {start} to {end}")


@alerts.command("list", epilog=example("monitor alert list"))
def list_alerts(json: AsJson = False) -> None:
    """Open alerts, worst first, with the words that raised them."""
    from monitor.worklists.commands import open_alerts

    with unit_of_work() as (session, _, _now):
        rows = open_alerts(session)
    if json:
        show_json(rows)
    for row in rows if not json else ():
        who = f"{row['patient']} chart {row['chart'] or '-'} day {row['day']}"
        has = f"taken by {row['taken_by']}" if row["taken_by"] else row["state"]
        typer.echo(f"alert {row['alert']}  {row['band'].upper()}  {who}: {row['what']}")
        typer.echo(f"    {has}, since {row['since']}, next step {row['next_step']}")
        for why in row["why"]:
            typer.echo(f"    {why}")
    if not rows and not json:
        typer.echo("Open alerts: none")


@alerts.command("take", epilog=example("monitor alert take 4 --by 1"))
def take(
    alert: AlertId,
    by: By,
) -> None:
    """Somebody takes the alert: paging stops, the clock for an outcome starts."""
    from monitor.services.acknowledge import find_alert
    from monitor.services.acknowledge import take as take_alert
    from monitor.services.staff import find_staff

    with unit_of_work(with_protocol=True) as (session, _, now):
        taken = take_alert(session, find_alert(session, alert), by=find_staff(session, by), how="command", now=now)
    typer.echo(f"alert {alert}: {'taken' if taken else 'was taken already'}")


@alerts.command("outcome", epilog=example("monitor alert outcome 4 --by 1 --outcome seen"))
def outcome(
    alert: AlertId,
    by: By,
    outcome: Annotated[str, typer.Option(help="What came of it, as the protocol names it.")],
    note: Annotated[str | None, typer.Option(help="A short note.")] = None,
) -> None:
    """Record the outcome: the patient has been helped, the alert is closed."""
    from monitor.services.acknowledge import find_alert, record_outcome
    from monitor.services.staff import find_staff

    with unit_of_work(with_protocol=True) as (session, _, now):
        found = find_alert(session, alert)
        record_outcome(session, found, outcome, by=find_staff(session, by), now=now, note=note)
    typer.echo(f"alert {alert}: {outcome}")


@tasks.command("list", epilog=example("monitor task list"))
def list_tasks(json: AsJson = False) -> None:
    """What waits for the front desk: wrong numbers, opt-outs, unknown numbers, appointments."""
    from monitor.worklists.commands import open_tasks

    with unit_of_work() as (session, _, _now):
        rows = open_tasks(session)
    if json:
        show_json(rows)
    else:
        show_table("Tasks", ["task", "what", "patient", "number", "since"], [list(row.values()) for row in rows])


@tasks.command("done", epilog=example("monitor task done 12"))
def done(task: TaskId) -> None:
    """A task is done."""
    from monitor.services.staff import close_task

    with unit_of_work() as (session, _, now):
        close_task(session, task, now=now)
    typer.echo(f"task {task}: done")
