"""A section's numbers a month at a time: for people a line a month, for programs the whole table of each."""

from __future__ import annotations

from collections.abc import Callable

from monitor.domain.facts import ByMonth, Facts
from monitor.web.console.report_section import ALL, Column, Rows, Section, Table

Make = Callable[[Facts], Section]


def month_by_month(make: Make, facts: ByMonth) -> Table:
    """A section's answer as a line for each month, and one for all of them."""
    whole = make(facts.whole).month
    of = [(f"{part.month:%b %Y}", make(part).month) for part in facts.parts()]
    rows: Rows = [[name, *(month.get(column, 0) for column in whole)] for name, month in of]
    return Table((Column("month", "word"), *whole), [*rows, [ALL, *whole.values()]])


def filed(make: Make, facts: ByMonth, *, clinic: str) -> Table:
    """A section's table for a program: that of each month, and where there are several that of all of them, each line
    with its clinic and month."""
    parts = [(f"{part.month:%Y-%m}", make(part).table) for part in facts.parts()]
    whole = make(facts.whole).table
    if len(parts) > 1:
        parts.append((ALL, whole))
    columns = (Column("clinic", "word"), Column("month", "word"), *whole.columns)
    return Table(columns, [[clinic, month, *row] for month, table in parts for row in table.rows])
