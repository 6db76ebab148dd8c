"""What a section of the report is made of, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitor.domain.shares import share

Draw = Callable[[bool], bytes]  # of whether it is to be narrow
Cell = str | int | float | None
Rows = list[Sequence[Cell]]
ALL = "all"  # what the last line of a table says where the others say which


@dataclass(frozen=True)
class Column:
    """`kind` says how its cells are written: word, count, share or minutes; a file holds the bare numbers."""

    name: str
    kind: str = "count"

    def written(self, cell: Cell) -> str:
        if cell is None or isinstance(cell, str):
            return cell or "–"
        if self.kind == "share":
            return in_percent(cell)
        return in_time(cell) if self.kind == "minutes" else f"{cell:g}"


@dataclass(frozen=True)
class Table:
    """Rows of cells, one for each column."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    @property
    def written(self) -> list[list[str]]:
        """As people read it."""
        return [[column.written(cell) for column, cell in zip(self.columns, row, strict=True)] for row in self.rows]

    @property
    def bare(self) -> list[list[str]]:
        """As a program reads it: shares from 0 to 1, times in minutes."""
        return [["" if cell is None else _bare(cell) for cell in row] for row in self.rows]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One question that the report answers: in a sentence, in a picture, in a table."""

    key: str
    heading: str
    line: str
    table: Table
    month: Mapping[Column, Cell]  # what a table with a line for each month says of these
    shows: str  # what the picture shows, for who cannot see it
    draw: Draw
    notes: Sequence[str] = ()


def in_time(minutes: float | None) -> str:
    """Minutes as people say them.

    >>> in_time(0.4), in_time(12), in_time(100), in_time(3000), in_time(None)
    ('under 1 min', '12 min', '1 h 40 min', '50 h', '–')
    """
    if minutes is None:
        return "–"
    whole = round(minutes)
    if whole < 1:
        return "under 1 min"
    hours, rest = divmod(whole, 60)
    return f"{whole} min" if not hours else f"{hours} h" if not rest or hours >= 24 else f"{hours} h {rest} min"


def within(minutes: float | None) -> str:
    """
    >>> within(0.4), within(12)
    ('in under 1 min', 'within 12 min')
    """
    said = in_time(minutes)
    return f"in {said}" if said.startswith("under") else f"within {said}"


def in_percent(part: float | None) -> str:
    """
    >>> in_percent(0.785), in_percent(None)
    ('78 %', '–')
    """
    return "–" if part is None else f"{part * 100:.0f} %"


def part_of(part: int, whole: int) -> str:
    return f"{part} ({in_percent(share(part, whole))})"


def many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def listed(counts: Sequence[tuple[int, str]]) -> str:
    return ", ".join(f"{count} {name}" for count, name in counts)


def _bare(cell: str | int | float) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
