"""Enrol everybody in a table that somebody gave to the console: first only look, then do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions
from monitor.errors import BadInput, NotReady
from monitor.models import Clinic
from monitor.services.enrol import Enrolment, check_many, enrol_all
from monitor.services.enrolment_table import Row, Table, read_table, write_rows

MAX_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that nobody was enrolled from: which column, what stands there, what may."""

    row: int
    column: str
    found: str
    allowed: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row from which somebody was, or would be, enrolled."""

    row: int
    name: str
    patient_id: int | None = None
    episode_id: int | None = None
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of every row. `stopped` says why the program could not go on, after the last accepted row."""

    header: tuple[str, ...]
    accepted: tuple[Accepted, ...]
    refused: tuple[Refused, ...]
    done: bool  # written, not only looked at
    stopped: str = ""

    @property
    def refused_as_csv(self) -> str:
        return write_rows(self.header, [row.cells for row in self.refused])


def read_import(text: str) -> Table:
    """The table, unless it is too long for a page."""
    return read_table(text, "table", most=MAX_ROWS)


def check_import(session: Session, clinic: Clinic, table: Table, *, clock: Clock) -> Imported:
    """What importing it would do. Nothing is written."""
    rows, given = _usable(table)
    found = check_many(session, clinic, given, now=clock.now())
    return _imported(table, [(row, _accepted_or_refused(row, each)) for row, each in zip(rows, found, strict=True)])


def import_patients(sessions: Sessions, clinic_id: int, table: Table, clock: Clock, *, by: int) -> Imported:
    """Enrol everybody who can be, some hundreds in a transaction. `by` is the id of whoever of the staff does it."""
    rows, given = _usable(table)
    came: list[tuple[Row, Accepted | Refused]] = []
    stopped = ""
    try:
        for row, (_, each) in zip(rows, enrol_all(sessions, given, clock, clinic_id=clinic_id, by=by), strict=True):
            if isinstance(each, BadInput):
                came.append((row, _refused(row, each)))
            else:
                patient = each.patient
                out = patient.opted_out_at is not None
                came.append((row, Accepted(row.number, patient.name, each.patient_id, each.id, out)))
    except NotReady as error:
        if not came:
            raise
        stopped = f"{error}; what stands below is done, the rows after row {came[-1][0].number} are not"
    return _imported(table, came, done=True, stopped=stopped)


def _usable(table: Table) -> tuple[list[Row], list[Enrolment]]:
    usable = [(row, row.given) for row in table.rows if not isinstance(row.given, BadInput)]
    return [row for row, _ in usable], [given for _, given in usable]


def _imported(
    table: Table, came: Sequence[tuple[Row, Accepted | Refused]], *, done: bool = False, stopped: str = ""
) -> Imported:
    unread = [_refused(row, row.given) for row in table.rows if isinstance(row.given, BadInput)]
    refused = [*unread, *(each for _, each in came if isinstance(each, Refused))]
    accepted = tuple(each for _, each in came if isinstance(each, Accepted))
    return Imported(table.header, accepted, tuple(sorted(refused, key=lambda each: each.row)), done, stopped)


def _accepted_or_refused(row: Row, found: Enrolment | BadInput) -> Accepted | Refused:
    return _refused(row, found) if isinstance(found, BadInput) else Accepted(row.number, found.name)


def _refused(row: Row, error: BadInput) -> Refused:
    return Refused(row.number, error.field, str(error.found), error.allowed, row.cells)
