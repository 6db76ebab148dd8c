"""Set-up: home, database, seeds, the clinic."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from monitor.cli.common import AsJson, OfClinic, example, show_json, show_table, unit_of_work

Name = Annotated[str | None, typer.Option(help="The clinic's name, as patients know it.")]
Zone = Annotated[str | None, typer.Option(help="Its time zone by name; unset: this machine's.")]
Phone = Annotated[str | None, typer.Option(help="The number patients call in working hours.")]
Emergency = Annotated[str | None, typer.Option(help="The number for emergencies, such as 112 or 911.")]
LastResort = Annotated[str | None, typer.Option(help="Paged and rung when nobody else answers.")]
Holidays = Annotated[str | None, typer.Option(help="Country of the public holidays: GB, DE-BY, US-CA.")]

commands = typer.Typer(help="Show or change a clinic; add further ones.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.command("init", epilog=example('monitor init --clinic "Smile Dental" --timezone Europe/London'))(init)
    app.add_typer(commands, name="clinic")


def init(
    clinic: Name = None,
    timezone: Zone = None,
    phone: Phone = None,
    emergency_number: Emergency = None,
    last_resort: LastResort = None,
    holidays: Holidays = None,
) -> None:
    """Make home, secret key, database and the first clinic, and load the protocol. Safe to repeat."""
    from monitor.bootstrap import build, prepare
    from monitor.config import read_settings
    from monitor.db import transaction
    from monitor.services.init import initialise

    settings = read_settings()
    prepare(settings).dispose()
    app = build(settings)
    values = _given(
        name=clinic,
        timezone=timezone,
        phone=phone,
        emergency_number=emergency_number,
        last_resort=last_resort,
        holidays=holidays,
    )
    with transaction(app.sessions) as session:
        initialise(session, {}, now=app.clock.now())  # a mistake in what was given leaves a home that works
    with transaction(app.sessions) as session:
        made = initialise(session, values, now=app.clock.now())
        ready = f"{settings.folder}: ready for {made.name} ({made.timezone})."
    app.engine.dispose()
    typer.echo(f"{ready} `monitor doctor` names what is missing.")


@commands.command("add", epilog=example('monitor clinic add --name "Smile Dental North" --timezone Europe/London'))
def add(
    name: Annotated[str, typer.Option(help="The clinic's name, as patients know it.")],
    timezone: Zone = None,
    phone: Phone = None,
    emergency_number: Emergency = None,
    last_resort: LastResort = None,
    holidays: Holidays = None,
    json: AsJson = False,
) -> None:
    """A further clinic in this installation: its staff sees its own patients only."""
    from monitor.services.clinic import add_clinic

    values = _given(
        name=name,
        timezone=timezone,
        phone=phone,
        emergency_number=emergency_number,
        last_resort=last_resort,
        holidays=holidays,
    )
    with unit_of_work() as (session, _, now):
        made = add_clinic(session, values, now=now)
        answer = {"clinic": made.id, "name": made.name, "timezone": made.timezone}
    if json:
        show_json(answer)
    else:
        typer.echo(f"clinic {answer['clinic']}: {answer['name']} ({answer['timezone']})")


@commands.command("list", epilog=example("monitor clinic list"))
def list_(json: AsJson = False) -> None:
    """Every clinic with its id, which `--clinic` takes, and how many staff it has."""
    from monitor.worklists.commands import clinics

    with unit_of_work() as (session, _, _now):
        rows = clinics(session)
    if json:
        show_json(rows)
    else:
        show_table("Clinics", ["id", "name", "zone", "phone", "staff"], [list(row.values()) for row in rows])


@commands.command("show", epilog=example("monitor clinic show"))
def show(clinic: OfClinic = None, json: AsJson = False) -> None:
    """What is set for a clinic."""
    from monitor.services.clinic import describe_clinic, the_clinic

    with unit_of_work() as (session, _, _now):
        values = describe_clinic(the_clinic(session, clinic))
    if json:
        show_json(values)
    else:
        show_table("Clinic", ["setting", "value"], list(values.items()))


@commands.command("set", epilog=example('monitor clinic set --hours "mon-fri 08:00-18:00, sat 09:00-13:00"'))
def set_(
    name: Name = None,
    timezone: Zone = None,
    phone: Phone = None,
    emergency_number: Emergency = None,
    out_of_hours_phone: Annotated[str | None, typer.Option(help="Told to patients at night.")] = None,
    last_resort: LastResort = None,
    holidays: Holidays = None,
    hours: Annotated[str | None, typer.Option(help='Opening hours: "mon-fri 08:00-18:00".')] = None,
    checkin_at: Annotated[str | None, typer.Option(help="When check-ins are due: 10:00.")] = None,
    texting_from: Annotated[str | None, typer.Option(help="No scheduled text before: 09:00.")] = None,
    texting_until: Annotated[str | None, typer.Option(help="No scheduled text from: 20:00.")] = None,
    clinic: OfClinic = None,
) -> None:
    """Change a clinic; only what is named changes. New hours and zones count for what is planned from now on."""
    from monitor.services.clinic import change_clinic, the_clinic

    values = _given(
        name=name,
        timezone=timezone,
        phone=phone,
        emergency_number=emergency_number,
        out_of_hours_phone=out_of_hours_phone,
        last_resort=last_resort,
        holidays=holidays,
        hours=hours,
        checkin_at=checkin_at,
        texting_from=texting_from,
        texting_until=texting_until,
    )
    with unit_of_work() as (session, _, now):
        change_clinic(session, the_clinic(session, clinic), values, now=now)
    typer.echo(f"set: {', '.join(values) or 'nothing was named'}")


def _given(**values: str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
