"""`monitor ledger`: counts, and holes as they are found, for people and for programs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Done, Monitor

PARTS = {"texts", "pages", "replies", "checkins", "alerts", "holes"}


def spoil(home: Path, count: int) -> None:
    """So many planned texts should have been sent long ago."""
    with closing(sqlite3.connect(home / "monitor.db")) as database, database:
        database.execute(
            "UPDATE messages SET due_at = '2020-01-01 00:00:00.000000' WHERE id IN "
            "(SELECT id FROM messages WHERE state = 'planned' LIMIT ?)",
            (count,),
        )


def test_without_a_hole(ready: Monitor, enrol: Callable[..., Done]) -> None:
    enrol()
    done = ready("ledger", "--json")
    assert done.code == 0
    assert done.json.keys() == PARTS
    assert done.json["holes"] == []
    assert done.json["replies"] == {"received": 0, "read": 0}
    assert done.json["texts"]["planned"] > 3
    shown = ready("ledger")
    assert (shown.code, "Holes: none" in shown.out) == (0, True)


def test_each_hole_is_named(ready: Monitor, enrol: Callable[..., Done], home: Path) -> None:
    enrol()
    spoil(home, 3)
    done = ready("ledger", "--json")
    assert done.code == 1
    assert done.json.keys() == PARTS
    assert [(hole["what"], hole["why"]) for hole in done.json["holes"]] == [("text", "due and not sent")] * 3
    shown = ready("ledger")
    assert shown.code == 1
    assert shown.out.count(": due and not sent\n") == 3
    assert "Holes: 3" in shown.out
    with closing(sqlite3.connect(home / "monitor.db")) as database:
        assert database.execute("SELECT name, count FROM tallies").fetchall() == [("ledger holes", 3)]
