"""Enrol one patient, or everybody in a table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import (
    AsJson,
    example,
    parse_date,
    progress,
    show_calendar,
    show_json,
    unit_of_work,
)
from monitor.errors import BadInput, NotReady

if TYPE_CHECKING:
    from monitor.bootstrap import App
    from monitor.services.enrol import Enrolment

NEEDED = ("name", "phone", "surgery", "consent")
WORDS = ("timezone", "language", "chart", "site", "jaw", "stitches")
COLUMNS = (*NEEDED, *WORDS, "time", "two-stage", "flap", "risk")
SEPARATORS = ",;\t"
ANSWERS = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}
ALLOWED_FILE = "a table as CSV in UTF-8, one patient a row below a row with the columns' names"
Row = tuple[int, "Enrolment | BadInput"]  # numbered as a spreadsheet does: the names of the columns are row 1


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
    json: AsJson = False,
) -> None:
    """Enrol a patient: writes the whole calendar of texts, and sends the first.

    With --from FILE: everybody in a table whose columns are named as these options; two-stage and flap hold yes or
    no, risk one or more words. A row that cannot be used is named, the others are enrolled; exit 2 if there was one.
    """
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
        _enrol_one(_enrolment(texts, risk or ()), json=json)
    elif texts or risk:
        raise BadInput("from", f"--{next(iter(texts), 'risk')} beside it", "no option beside it but --json")
    else:
        _enrol_all(from_, json=json)


def _enrol_one(given: Enrolment, *, json: bool) -> None:
    from monitor.services.clinic import the_clinic
    from monitor.services.enrol import enrol as enrol_patient
    from monitor.worklists.commands import planned_texts

    with unit_of_work(with_protocol=True) as (session, _, now):
        episode = enrol_patient(session, the_clinic(session), given, now=now)
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


def _enrol_all(path: Path, *, json: bool) -> None:
    """Those who can be are enrolled, some hundreds in a transaction; the others are named with their row."""
    from monitor.bootstrap import build
    from monitor.services.release import require_fit
    from monitor.services.seed import parse_ahead

    rows = list(_rows(path))
    if not rows:
        raise BadInput("from", "no row below the first", ALLOWED_FILE)
    refused = {number: given for number, given in rows if isinstance(given, BadInput)}
    fit = [(number, given) for number, given in rows if not isinstance(given, BadInput)]
    app, enrolled = build(), list[dict[str, object]]()
    try:
        require_fit(app.engine)
        parse_ahead(app.sessions)
        with progress("enrolling") as tell:
            for number, found in _enrol_rows(app, fit):
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


def _enrol_rows(app: App, rows: Sequence[tuple[int, Enrolment]]) -> Iterator[tuple[int, dict[str, object] | BadInput]]:
    """What became of each row, once it is committed."""
    from monitor.services.enrol import enrol_all

    number = 1
    try:
        for (number, _), (_, each) in zip(
            rows, enrol_all(app.sessions, [given for _, given in rows], app.clock), strict=True
        ):
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


# --- the table


def _rows(path: Path) -> Iterator[Row]:
    """Each row as an enrolment or what is wrong with it. Raises BadInput where the table itself is not one."""
    text = _read(path)
    reader = csv.reader(StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        columns = _columns(next(reader, []))
        for number, cells in enumerate(reader, start=2):
            if any(cell.strip() for cell in cells):
                yield number, _row(columns, cells)
    except csv.Error as error:
        raise BadInput("from", f"line {reader.line_num}: {error}", ALLOWED_FILE) from None


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BadInput("from", str(path), f"{ALLOWED_FILE} ({why})") from None
    if not text.strip():
        raise BadInput("from", "an empty file", ALLOWED_FILE)
    return text


def _separator(text: str) -> str:
    """A spreadsheet writes commas, or semicolons where numbers have commas."""
    return max(SEPARATORS, key=text.partition("\n")[0].count)


def _columns(cells: Sequence[str]) -> list[str]:
    """The names of the columns; how they are spelled does not matter, that they are known does."""
    columns = [cell.strip().casefold().replace("_", "-").replace(" ", "-") for cell in cells]
    allowed = f"{', '.join(NEEDED)}, and any of {', '.join(COLUMNS[len(NEEDED) :])}, each once"
    for column in columns:
        if column not in COLUMNS or columns.count(column) > 1:
            raise BadInput("from", f"the column {column!r}", allowed)
    for column in NEEDED:
        if column not in columns:
            raise BadInput("from", f"no column {column!r}", allowed)
    return columns


def _row(columns: Sequence[str], cells: Sequence[str]) -> Enrolment | BadInput:
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        return BadInput("row", f"{len(cells)} cells", f"{len(columns)}, as the first row has")
    given = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if cell.strip()}
    texts = dict.fromkeys(NEEDED, "") | given
    try:
        return _enrolment(texts, [word for word in re.split(r"[\s,;]+", texts.pop("risk", "")) if word])
    except BadInput as refusal:
        return refusal


def _enrolment(texts: Mapping[str, str], risks: Sequence[str]) -> Enrolment:
    """What was typed, as an enrolment. Raises BadInput naming the option, which is also the column."""
    from monitor.services.clinic import parse_time
    from monitor.services.enrol import Enrolment

    return Enrolment(
        name=texts["name"],
        phone=texts["phone"],
        surgery_on=parse_date("surgery", texts["surgery"]),
        consent=texts["consent"],
        surgery_time=parse_time("time", texts["time"]) if texts.get("time") else None,
        two_stage=_is_yes("two-stage", texts.get("two-stage", "no")),
        flap=_is_yes("flap", texts.get("flap", "no")),
        risks=tuple(risks),
        **{word: texts[word] for word in WORDS if word in texts},
    )


def _is_yes(field: str, text: str) -> bool:
    """
    >>> _is_yes("flap", "Yes"), _is_yes("flap", "0")
    (True, False)
    """
    answer = ANSWERS.get(text.casefold())
    if answer is None:
        raise BadInput(field, text, "yes or no")
    return answer
