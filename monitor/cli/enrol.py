"""Enrol one patient, or everybody in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import (
    AsJson,
    OfClinic,
    example,
    progress,
    show_calendar,
    show_json,
    unit_of_work,
)
from monitor.errors import BadInput, NotReady

if TYPE_CHECKING:
    from monitor.bootstrap import App
    from monitor.services.enrol import Enrolment


class Missing(typer.BadParameter):
    """An option without which nobody can be enrolled."""

    def format_message(self) -> str:
        return self.message


def register(app: typer.Typer) -> None:
    line = 'monitor enrol --name "Ann Lee" --phone "+1 202 555 0123" --surgery 2026-11-18 --consent "signed form"'
    app.command("enrol", epilog=example(line, "monitor enrol --from patients.csv"))(enrol)


def enrol(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(help="The patient's name. Needed.")] = None,
    phone: Annotated[str | None, typer.Option(help="A mobile number with its country code. Needed.")] = None,
    surgery: Annotated[
        str | None, typer.Option(help="Date of surgery, YYYY-MM-DD; up to 30 days ahead. Needed.")
    ] = None,
    consent: Annotated[
        str | None, typer.Option(help='How the patient agreed to be texted: "signed form". Needed.')
    ] = None,
    time: Annotated[str | None, typer.Option(help="Time of surgery, HH:MM, local.")] = None,
    timezone: Annotated[str | None, typer.Option(help="The patient's zone; unset: the clinic's.")] = None,
    language: Annotated[str | None, typer.Option(help="The language we text in; unset: en.")] = None,
    chart: Annotated[str | None, typer.Option(help="The chart number, as pages name it.")] = None,
    site: Annotated[str | None, typer.Option(help='Where: "36".')] = None,
    jaw: Annotated[str | None, typer.Option(help="upper or lower.")] = None,
    two_stage: Annotated[bool, typer.Option("--two-stage", help="The implant was buried under the gum.")] = False,
    stitches: Annotated[str | None, typer.Option(help="none, dissolving or removable; unset: none.")] = None,
    flap: Annotated[bool, typer.Option("--flap", help="A flap was raised: stitches come out on day 10.")] = False,
    risk: Annotated[list[str] | None, typer.Option(help="A risk factor; may be repeated.")] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Enrol everybody in this CSV file instead.")
    ] = None,
    clinic: OfClinic = None,
    json: AsJson = False,
) -> None:
    """Enrol a patient: writes the whole calendar of texts, and sends the first.

    With --from FILE: everybody in a table whose columns are named as these options; two-stage and flap hold yes or
    no, risk one or more words. A row that cannot be used is named, the others are enrolled; exit 2 if there was one.
    """
    from monitor.services.enrolment_table import NEEDED, read_enrolment

    given = {
        "name": name,
        "phone": phone,
        "surgery": surgery,
        "consent": consent,
        "time": time,
        "timezone": timezone,
        "language": language,
        "chart": chart,
        "site": site,
        "jaw": jaw,
        "two-stage": "yes" if two_stage else None,
        "stitches": stitches,
        "flap": "yes" if flap else None,
    }
    texts = {option: text for option, text in given.items() if text is not None}
    if from_ is None:
        for option in NEEDED:
            if option not in texts:
                raise Missing(f"Missing option '--{option}'", ctx=context)
        _enrol_one(read_enrolment(texts, risk or ()), clinic, json=json)
    elif texts or risk:
        beside = next(iter(texts), "risk")
        raise BadInput("from", f"--{beside} beside it", "no option beside it but --clinic and --json")
    else:
        _enrol_all(from_, clinic, json=json)


def _enrol_one(given: Enrolment, clinic: int | None, *, json: bool) -> None:
    from monitor.services.clinic import the_clinic
    from monitor.services.enrol import enrol as enrol_patient
    from monitor.worklists.commands import planned_texts

    with unit_of_work(with_protocol=True) as (session, _, now):
        episode = enrol_patient(session, the_clinic(session, clinic), given, now=now)
        plan = planned_texts(session, episode.id)
        opted_out = episode.patient.opted_out_at is not None
        answer = {"patient": episode.patient_id, "episode": episode.id, "opted_out": opted_out, "texts": plan}
    if json:
        show_json(answer)
        return
    typer.echo(f"enrolled: patient {answer['patient']}, episode {answer['episode']}")
    if opted_out:
        typer.echo("this patient has opted out: no text leaves until they text START to the clinic's number")
    show_calendar(plan)


def _enrol_all(path: Path, clinic: int | None, *, json: bool) -> None:
    """Those who can be are enrolled, some hundreds in a transaction; the others are named with their row."""
    from monitor.bootstrap import build
    from monitor.services.enrolment_table import read_table
    from monitor.services.release import require_fit
    from monitor.services.seed import parse_ahead

    rows = read_table(_read(path), "from").rows
    refused = {row.number: row.given for row in rows if isinstance(row.given, BadInput)}
    fit = [(row.number, row.given) for row in rows if not isinstance(row.given, BadInput)]
    app, enrolled = build(), list[dict[str, object]]()
    try:
        require_fit(app.engine)
        parse_ahead(app.sessions)
        with progress("enrolling") as tell:
            for number, found in _enrol_rows(app, fit, clinic):
                if isinstance(found, BadInput):
                    refused[number] = found
                else:
                    enrolled.append({"row": number, **found})
                tell(len(enrolled) + len(refused), len(rows))
    finally:
        app.engine.dispose()
    _show(enrolled, sorted(refused.items()), json=json)
    if refused:
        raise typer.Exit(2)


def _enrol_rows(
    app: App, rows: Sequence[tuple[int, Enrolment]], clinic: int | None
) -> Iterator[tuple[int, dict[str, object] | BadInput]]:
    """What became of each row, once it is committed."""
    from monitor.services.enrol import enrol_all

    number = 1
    try:
        enrolled = enrol_all(app.sessions, [given for _, given in rows], app.clock, clinic_id=clinic)
        for (number, _), (_, each) in zip(rows, enrolled, strict=True):
            if isinstance(each, BadInput):
                yield number, each
            else:
                opted_out = each.patient.opted_out_at is not None
                yield number, {"patient": each.patient_id, "episode": each.id, "opted_out": opted_out}
    except NotReady as error:
        raise NotReady(f"{error}; up to row {number} all is done, and refused when you run it again") from error


def _show(enrolled: Sequence[Mapping[str, object]], refused: Sequence[tuple[int, BadInput]], *, json: bool) -> None:
    if json:
        why = [{"row": n, "field": e.field, "found": e.found, "allowed": e.allowed} for n, e in refused]
        show_json({"enrolled": enrolled, "refused": why})
        return
    for number, error in refused:
        typer.echo(f"row {number}: {error}", err=True)
    typer.echo(f"enrolled: {len(enrolled)} of {len(enrolled) + len(refused)} rows")
    silent = [str(each["row"]) for each in enrolled if each["opted_out"]]
    if silent:
        typer.echo(f"have opted out, so that no text leaves until they text START: rows {', '.join(silent)}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        from monitor.services.enrolment_table import ALLOWED_TABLE

        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BadInput("from", str(path), f"{ALLOWED_TABLE} ({why})") from None
