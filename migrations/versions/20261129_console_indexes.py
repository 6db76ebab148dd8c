"""a page's link, a clinic's log and its wrong numbers are found at once

Revision: c40be8127f6d
Follows: 91d3a7c4e520
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c40be8127f6d"
down_revision = "91d3a7c4e520"
branch_labels = None
depends_on = None

LINKS = "uq_pages_link"
LOG = "ix_events_clinic_id"
WRONG_NUMBERS = "ix_patients_bad_number"


def upgrade() -> None:
    """Alone in its migration: on PostgreSQL it is no transaction, and may be begun again wherever it broke off."""
    if op.get_bind().dialect.name == "postgresql":
        with op.get_context().autocommit_block():  # workers go on meanwhile
            _make_indexes(postgresql_concurrently=True)
    else:
        _make_indexes()


def downgrade() -> None:
    op.drop_index(WRONG_NUMBERS, "patients")
    op.drop_index(LOG, "events")
    op.drop_index(LINKS, "pages")


def _make_indexes(**how: bool) -> None:
    op.drop_index(LINKS, "pages", if_exists=True, **how)  # a half-made one of a try that broke off
    op.create_index(LINKS, "pages", ["link"], unique=True, **how)
    where = sa.text("clinic_id IS NOT NULL")
    op.drop_index(LOG, "events", if_exists=True, **how)
    op.create_index(LOG, "events", ["clinic_id", "id"], sqlite_where=where, postgresql_where=where, **how)
    where = sa.text("bad_number_at IS NOT NULL")
    op.drop_index(WRONG_NUMBERS, "patients", if_exists=True, **how)
    op.create_index(WRONG_NUMBERS, "patients", ["clinic_id"], sqlite_where=where, postgresql_where=where, **how)
