"""Read what was typed of patients, in a form's fields or in the rows of a table: text in, enrolments out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice

from monitor.domain.localtime import parse_date
from monitor.errors import BadInput
from monitor.services.clinic import parse_time
from monitor.services.enrol import Enrolment

NEEDED = ("name", "phone", "surgery", "consent")
WORDS = ("timezone", "language", "chart", "site", "jaw", "stitches")
COLUMNS = (*NEEDED, *WORDS, "time", "two-stage", "flap", "risk")
SEPARATORS = ",;\t"
ANSWERS = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet begins to compute
ALLOWED_TABLE = "a table as CSV in UTF-8, one patient a row below a row with the columns' names"


@dataclass(frozen=True, slots=True)
class Row:
    """One patient of a table, numbered as a spreadsheet does: the names of the columns are row 1."""

    number: int
    cells: tuple[str, ...]
    given: Enrolment | BadInput


@dataclass(frozen=True, slots=True)
class Table:
    """The names of the columns as they were written, and every row that is not empty."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(text: str, field: str, *, most: int | None = None) -> Table:
    """Each row as an enrolment or what is wrong with it. Raises BadInput, naming `field`, where the whole is no table,
    or has more rows than `most`: then the rest of it is not read.

    >>> table = read_table("name;phone;surgery;consent\\nAnn;+12025550123;2026-11-18;form\\nBob;12;soon;form", "from")
    >>> [(row.number, row.given.field if isinstance(row.given, BadInput) else row.given.name) for row in table.rows]
    [(2, 'Ann'), (3, 'surgery')]
    """
    if not text.strip():
        raise BadInput(field, "an empty file", ALLOWED_TABLE)
    reader = csv.reader(StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        header = next(reader, [])
        read = _rows(reader, _columns(header, field))
        rows = tuple(islice(read, None if most is None else most + 1))
    except csv.Error as error:
        raise BadInput(field, f"line {reader.line_num}: {error}", ALLOWED_TABLE) from None
    if not rows:
        raise BadInput(field, "no row below the first", ALLOWED_TABLE)
    if most is not None and len(rows) > most:
        allowed = f"at most {most} rows at once; `monitor enrol --from FILE` takes any number"
        raise BadInput(field, f"more than {most} rows", allowed)
    return Table(tuple(header), rows)


def read_enrolment(texts: Mapping[str, str], risks: Sequence[str]) -> Enrolment:
    """What was typed, as an enrolment. Raises BadInput naming the option, which is also the column and the field."""
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


def write_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table again, to be mended and tried once more. A cell that a spreadsheet would run as a formula
    is shown as the text that it is.

    >>> write_rows(["name", "phone"], [["=1+1", "+1 202"]])
    '"name","phone"\\r\\n"\\'=1+1","\\'+1 202"\\r\\n'
    """
    text = StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)  # a cell stays whole, whatever a spreadsheet splits rows at
    writer.writerow([_defused(cell) for cell in header])
    writer.writerows([_defused(cell) for cell in row] for row in rows)
    return text.getvalue()


def _defused(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _plain(cell: str) -> str:
    """The text of a cell, as it was before it was kept from being run as a formula.

    >>> _plain(" '+1 202 "), _plain("'t Hooft")
    ('+1 202', "'t Hooft")
    """
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text


def _rows(reader: Iterator[list[str]], columns: Sequence[str]) -> Iterator[Row]:
    for number, cells in enumerate(reader, start=2):
        if any(cell.strip() for cell in cells):
            yield Row(number, tuple(cells), _enrolment(columns, cells))


def _separator(text: str) -> str:
    """A spreadsheet writes commas, or semicolons where numbers have commas."""
    return max(SEPARATORS, key=text.partition("\n")[0].count)


def _columns(cells: Sequence[str], field: str) -> list[str]:
    """The names of the columns; how they are spelled does not matter, that they are known does."""
    columns = [cell.strip().casefold().replace("_", "-").replace(" ", "-") for cell in cells]
    allowed = f"{', '.join(NEEDED)}, and any of {', '.join(COLUMNS[len(NEEDED) :])}, each once"
    for column in columns:
        if column not in COLUMNS or columns.count(column) > 1:
            raise BadInput(field, f"the column {column!r}", allowed)
    for column in NEEDED:
        if column not in columns:
            raise BadInput(field, f"no column {column!r}", allowed)
    return columns


def _enrolment(columns: Sequence[str], cells: Sequence[str]) -> Enrolment | BadInput:
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        return BadInput("row", f"{len(cells)} cells", f"{len(columns)}, as the first row has")
    given = {column: _plain(cell) for column, cell in zip(columns, cells, strict=False) if cell.strip()}
    texts = dict.fromkeys(NEEDED, "") | given
    try:
        return read_enrolment(texts, [word for word in re.split(r"[\s,;]+", texts.pop("risk", "")) if word])
    except BadInput as refusal:
        return refusal


def _is_yes(field: str, text: str) -> bool:
    """
    >>> _is_yes("flap", "Yes"), _is_yes("flap", "0")
    (True, False)
    """
    answer = ANSWERS.get(text.casefold())
    if answer is None:
        raise BadInput(field, text, "yes or no")
    return answer
