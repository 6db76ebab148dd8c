"""Patients: enrol them, change or cancel an episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from monitor.cli.common import AsJson, example, parse_date, show_json, show_table, unit_of_work, whole

Number = Annotated[int, typer.Argument(parser=whole("episode"), metavar="EPISODE", help="The episode's number.")]

commands = typer.Typer(help="List, change or cancel episodes.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    line = 'monitor enrol --name "Ann Lee" --phone "+1 202 555 0123" --surgery 2026-11-18 --consent "signed form"'
    app.command("enrol", epilog=example(line))(enrol)
    app.add_typer(commands, name="episode")


def enrol(
    name: Annotated[str, typer.Option(help="The patient's name.")],
    phone: Annotated[str, typer.Option(help="A mobile number with its country code.")],
    surgery: Annotated[str, typer.Option(help="Date of surgery, YYYY-MM-DD; up to 30 days ahead.")],
    consent: Annotated[str, typer.Option(help='How the patient agreed to be texted: "signed form".')],
    time: Annotated[str | None, typer.Option(help="Time of surgery, HH:MM, local.")] = None,
    timezone: Annotated[str | None, typer.Option(help="The patient's zone; unset: the clinic's.")] = None,
    language: Annotated[str, typer.Option(help="The language we text in.")] = "en",
    chart: Annotated[str | None, typer.Option(help="The chart number, as pages name it.")] = None,
    site: Annotated[str | None, typer.Option(help='Where: "36".')] = None,
    jaw: Annotated[str | None, typer.Option(help="upper or lower.")] = None,
    two_stage: Annotated[bool, typer.Option("--two-stage", help="The implant was buried under the gum.")] = False,
    stitches: Annotated[str, typer.Option(help="none, dissolving or removable.")] = "none",
    flap: Annotated[bool, typer.Option("--flap", help="A flap was raised: stitches come out on day 10.")] = False,
    risk: Annotated[list[str] | None, typer.Option(help="A risk factor; may be repeated.")] = None,
    json: AsJson = False,
) -> None:
    """Enrol a patient: writes the whole calendar of texts, and sends the first."""
    from monitor.services.clinic import parse_time, the_clinic
    from monitor.services.enrol import Enrolment
    from monitor.services.enrol import enrol as enrol_patient
    from monitor.worklists import planned_texts

    given = Enrolment(
        name=name,
        phone=phone,
        surgery_on=parse_date("surgery", surgery),
        consent=consent,
        surgery_time=parse_time("time", time) if time else None,
        timezone=timezone,
        language=language,
        chart=chart,
        site=site,
        jaw=jaw,
        two_stage=two_stage,
        stitches=stitches,
        flap=flap,
        risks=tuple(risk or ()),
    )
    with unit_of_work(with_protocol=True) as (session, _, now):
        episode = enrol_patient(session, the_clinic(session), given, now=now)
        session.flush()
        plan = planned_texts(session, episode.id)
        opted_out = episode.patient.opted_out_at is not None
        answer = {"patient": episode.patient_id, "episode": episode.id, "opted_out": opted_out, "texts": plan}
    if json:
        show_json(answer)
        return
    typer.echo(f"enrolled: patient {answer['patient']}, episode {answer['episode']}")
    if opted_out:
        typer.echo("this patient has opted out: no text leaves until they text START to the clinic's number")
    _show_calendar(plan)


@commands.command("list", epilog=example("monitor episode list"))
def list_(json: AsJson = False) -> None:
    """Every episode, newest surgery first, with initials and chart number as pages name them."""
    from monitor.worklists import episodes

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
    from monitor.services.change import change_episode, find_episode
    from monitor.worklists import planned_texts

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
    _show_calendar(plan)


@commands.command("cancel", epilog=example("monitor episode cancel 7"))
def cancel(episode: Number) -> None:
    """No more scheduled texts; what the patient writes is still read."""
    from monitor.services.change import cancel_episode, find_episode

    with unit_of_work() as (session, _, now):
        taken_back = cancel_episode(session, find_episode(session, episode), now=now)
    typer.echo(f"episode {episode}: cancelled, {taken_back} texts taken back")


def _show_calendar(plan: Sequence[Mapping[str, object]]) -> None:
    show_table("Texts", ["what", "due (local)", "state", "why"], [list(row.values()) for row in plan])
