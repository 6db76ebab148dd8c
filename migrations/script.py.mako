"""${message}

Revision: ${up_revision}
Follows: ${down_revision or 'nothing'}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


# Programs of the release before go on working while this runs and after it. So: only add; what is NOT NULL has a
# server default; an index on a large table is made CONCURRENTLY, inside `with op.get_context().autocommit_block():`
# on PostgreSQL; and where an older program must not go on, op.execute("UPDATE compatibility SET oldest = '<revision>'")
# with the oldest revision whose program may.
def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
