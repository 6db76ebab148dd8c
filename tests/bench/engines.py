"""Both engines for a bench: PostgreSQL that waits for its disk, as a clinic's does, where it can be had, and SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console

from tests.postgres import Databases, NoServer, own_server


@contextmanager
def both_engines(console: Console) -> Iterator[dict[str, Databases | None]]:
    """By name; None stands for SQLite, whose database is a file in a home."""
    engines: dict[str, Databases | None] = {}
    with ExitStack() as opened:
        try:
            engines["PostgreSQL"] = Databases(opened.enter_context(own_server(durable=True)).url)
        except NoServer as reason:
            console.print(f"no PostgreSQL: {reason}", markup=False)
        yield engines | {"SQLite": None}
