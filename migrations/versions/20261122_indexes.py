"""no look at what is open walks through what is over

Revision: 2b9d64c8e017
Follows: 7c1e0a5d2f43
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2b9d64c8e017"
down_revision = "7c1e0a5d2f43"
branch_labels = None
depends_on = None

# An index by its name: its table, its column, and which rows it holds.
INDEXES = {
    "ix_messages_ended": ("messages", "ended_at", "ended_at IS NOT NULL"),
    "ix_tasks_open": ("tasks", "patient_id", "closed_at IS NULL"),
    "ix_episodes_open": ("episodes", "planned_until", "cancelled_at IS NULL"),
    "ix_alerts_patient_id": ("alerts", "patient_id", None),
    "ix_alerts_episode_id": ("alerts", "episode_id", None),
}


def upgrade() -> None:
    """Alone in its migration: on PostgreSQL it is no transaction, and may be begun again wherever it broke off."""
    if op.get_bind().dialect.name == "postgresql":
        with op.get_context().autocommit_block():  # workers go on meanwhile
            _make_indexes(postgresql_concurrently=True)
    else:
        _make_indexes()


def downgrade() -> None:
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table)


def _make_indexes(**how: bool) -> None:
    for name, (table, column, rows) in INDEXES.items():
        some = {"sqlite_where": sa.text(rows), "postgresql_where": sa.text(rows)} if rows else {}
        op.drop_index(name, table, if_exists=True, **how)  # a half-made one of a try that broke off
        op.create_index(name, table, [column], **some, **how)
