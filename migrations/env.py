"""Alembic's entry: the URL and connection come from the program, the tables from monitor.models."""

from __future__ import annotations

from typing import Any

from alembic import context

from monitor.config import read_settings
from monitor.db import UTCDateTime, connect
from monitor.models import Base


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Write our UTC type as the plain type it is in the database, so that a migration imports nothing of ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTCDateTime) else False


def run(connection: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with connect(read_settings().database_url).connect() as opened:
        run(opened)
        opened.commit()
