"""Rows that break whoever works with them, two people whose rows they may be, and the count of what broke."""

from __future__ import annotations

from typing import Any

from monitor.db import transaction
from monitor.services.isolation import ITEM_ERRORS
from tests.story import Story

PEOPLE = (("Ann Carter", "+12025550101"), ("Bob Stone", "+12025550102"))


def spoil(story: Story, table: type[Any], number: int, **values: Any) -> dict[str, Any]:
    """Put what cannot be worked with into a row; returns what stood there."""
    with transaction(story.app.sessions) as session:
        row = session.get_one(table, number)
        before = {name: getattr(row, name) for name in values}
        for name, value in values.items():
            setattr(row, name, value)
    return before


def errors_in(work: str) -> float:
    return float(ITEM_ERRORS.labels(work)._value.get())
