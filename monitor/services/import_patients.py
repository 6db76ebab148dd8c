"""Enrol everybody in a table that somebody gave to the console: first only look, then do it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions
from monitor.errors import BadInput, NotReady
from monitor.models import Clinic, Patient
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
class Sharer:
    """Somebody else on the same number: a patient of the clinic, or another row."""

    name: str
    patient_id: int | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row from which somebody was, or would be, enrolled. `sharers` are told before, as the form for one does."""

    row: int
    name: str
    patient_id: int | None = None
    episode_id: int | None = None
    opted_out: bool = False
    sharers: tuple[Sharer, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of every row. `stopped` says why the program could not go on, after the last accepted row."""

    header: tuple[str, ...]
    accepted: tuple[Accepted, ...]
    refused: tuple[Refused, ...]
    done: bool  # written, not only looked at
    stopped: str = ""

    @property
    def shared(self) -> tuple[Accepted, ...]:
        """Rows whose number is somebody else's as well: often a slip, and whose texts are read for both."""
        return tuple(row for row in self.accepted if row.sharers)

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
    pairs = list(zip(rows, found, strict=True))
    on_number = _people_by_number(session, clinic, pairs)
    return _imported(table, [(row, _accepted_or_refused(row, each, on_number)) for row, each in pairs])


def _people_by_number(
    session: Session, clinic: Clinic, rows: Sequence[tuple[Row, Enrolment | BadInput]]
) -> Mapping[str, Sequence[Sharer]]:
    """Who has each number: patients of the clinic, and whoever would be enrolled with it."""
    usable = [(row.number, each) for row, each in rows if isinstance(each, Enrolment)]
    people: dict[str, list[Sharer]] = defaultdict(list)
    known = select(Patient.phone, Patient.name, Patient.id).where(
        Patient.clinic_id == clinic.id, Patient.phone.in_({each.phone for _, each in usable})
    )
    for phone, name, patient_id in session.execute(known.order_by(Patient.id)):
        people[phone].append(Sharer(name, patient_id=patient_id))
    for number, each in usable:
        people[each.phone].append(Sharer(each.name, row=number))
    return people


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


def _accepted_or_refused(
    row: Row, found: Enrolment | BadInput, on_number: Mapping[str, Sequence[Sharer]]
) -> Accepted | Refused:
    if isinstance(found, BadInput):
        return _refused(row, found)
    me = found.name.casefold()
    return Accepted(
        row.number, found.name, sharers=tuple(one for one in on_number[found.phone] if one.name.casefold() != me)
    )


def _refused(row: Row, error: BadInput) -> Refused:
    return Refused(row.number, error.field, str(error.found), error.allowed, row.cells)
