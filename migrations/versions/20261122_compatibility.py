"""compatibility

Revision: 5e0c7f1d93aa
Follows: bdf0833f582b
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5e0c7f1d93aa"
down_revision = "bdf0833f582b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    compatibility = op.create_table(
        "compatibility",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("oldest", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compatibility")),
    )
    op.bulk_insert(compatibility, [{"id": 1, "oldest": "bdf0833f582b"}])


def downgrade() -> None:
    op.drop_table("compatibility")
