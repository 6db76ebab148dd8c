"""what ended long ago moves to history

Revision: 7c1e0a5d2f43
Follows: 5e0c7f1d93aa
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7c1e0a5d2f43"
down_revision = "5e0c7f1d93aa"
branch_labels = None
depends_on = None

# What refers to a text outlives its move; and with them every delete would look through all of these tables.
REFERRING = ("callbacks", "events", "tasks")
COLUMNS = (
    "id, once, clinic_id, patient_id, episode_id, checkin_id, staff_id, alert_id, kind, channel, to_number, template, "
    "body, question, priority, due_at, expires_at, state, why, worker, lease_until, claimed_at, attempts, sid, "
    "error_code, created_at, sent_at, checked_at, ended_at"
)


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tallies")),
    )
    op.create_table(
        "message_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("once", sa.String(length=80), nullable=False),
        sa.Column("clinic_id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=True),
        sa.Column("episode_id", sa.Integer(), nullable=True),
        sa.Column("checkin_id", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("alert_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=4), nullable=False),
        sa.Column("to_number", sa.String(length=40), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("question", sa.String(length=24), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=True),
        sa.Column("worker", sa.String(length=60), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sid", sa.String(length=40), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_message_history_alert_id_alerts")),
        sa.ForeignKeyConstraint(["checkin_id"], ["checkins.id"], name=op.f("fk_message_history_checkin_id_checkins")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_message_history_clinic_id_clinics")),
        sa.ForeignKeyConstraint(["episode_id"], ["episodes.id"], name=op.f("fk_message_history_episode_id_episodes")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_message_history_patient_id_patients")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_message_history_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_history")),
    )
    for column in ("once", "patient_id", "episode_id", "sid", "due_at"):
        op.create_index(op.f(f"ix_message_history_{column}"), "message_history", [column])
    for table in REFERRING:
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"fk_{table}_message_id_messages"), type_="foreignkey")
    # A program that knows no history would take what has moved there for never planned.
    op.execute(f"UPDATE compatibility SET oldest = '{revision}'")  # noqa: S608 -- a name of our own


def downgrade() -> None:
    op.execute("UPDATE compatibility SET oldest = 'bdf0833f582b'")
    op.execute(f"INSERT INTO messages ({COLUMNS}) SELECT {COLUMNS} FROM message_history")  # noqa: S608 -- names of our own
    for table in REFERRING:
        with op.batch_alter_table(table) as batch:
            batch.create_foreign_key(op.f(f"fk_{table}_message_id_messages"), "messages", ["message_id"], ["id"])
    op.drop_table("message_history")
    op.drop_table("tallies")
