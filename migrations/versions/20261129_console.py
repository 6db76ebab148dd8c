"""what the console needs: sign-in, links in pages, notes, corrections, pauses, and a log that can only grow

Revision: 91d3a7c4e520
Follows: 2b9d64c8e017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "91d3a7c4e520"
down_revision = "2b9d64c8e017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NEW_COLUMNS = {
    "pages": {"link": sa.String(length=16), "link_used_at": MOMENT},
    "episodes": {"paused_until": MOMENT},
    "events": {"clinic_id": sa.Integer()},
    "assessments": {
        "corrects_id": sa.Integer(),
        "corrected_by_id": sa.Integer(),
        "correction": sa.String(length=400),
    },
}
REFUSAL = "events are only added"


def upgrade() -> None:
    _make_tables()
    for table, columns in NEW_COLUMNS.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
    for statement in _keeping_events(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER events_are_only_added ON events")
        op.execute("DROP TRIGGER events_are_not_emptied ON events")
        op.execute("DROP FUNCTION refuse_to_change_events()")
    else:
        op.execute("DROP TRIGGER events_are_not_changed")
        op.execute("DROP TRIGGER events_are_not_deleted")
        op.execute("DROP TRIGGER events_are_not_replaced")
    for table, columns in NEW_COLUMNS.items():
        with op.batch_alter_table(table) as batch:
            for name in columns:
                batch.drop_column(name)
    for table in ("notes", "sign_in_tries", "devices", "sign_ins", "recovery_codes", "accounts"):
        op.drop_table(table)


def _keeping_events(dialect: str) -> list[str]:
    """What happened can be added to and read, also by whoever finds a hole in a page."""
    if dialect == "postgresql":
        return [
            "CREATE FUNCTION refuse_to_change_events() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
            "CREATE TRIGGER events_are_only_added BEFORE UPDATE OR DELETE ON events "
            "FOR EACH ROW EXECUTE FUNCTION refuse_to_change_events()",
            "CREATE TRIGGER events_are_not_emptied BEFORE TRUNCATE ON events "  # which no trigger for a row sees
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_events()",
        ]
    replaces = "BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)"
    return [
        f"CREATE TRIGGER events_are_not_replaced {replaces} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    ] + [
        f"CREATE TRIGGER events_are_not_{done} BEFORE {verb} ON events BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for verb, done in (("UPDATE", "changed"), ("DELETE", "deleted"))
    ]


def _make_tables() -> None:
    op.create_table(
        "accounts",
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("password", sa.String(length=200)),
        sa.Column("totp_secret", sa.String(length=64)),
        sa.Column("totp_at", sa.DateTime(timezone=True)),
        sa.Column("totp_step", sa.Integer()),
        sa.Column("invite", sa.String(length=64)),
        sa.Column("invite_until", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_accounts_staff_id_staff")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_accounts")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_recovery_codes_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("factors", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sign_ins_staff_id_staff")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_ins")),
    )
    op.create_table(
        "devices",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_devices_staff_id_staff")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_devices")),
    )
    op.create_table(
        "sign_in_tries",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_tries")),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer()),
        sa.Column("alert_id", sa.Integer()),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_notes_alert_id_alerts")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_notes_patient_id_patients")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_notes_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    for table in ("recovery_codes", "sign_ins", "devices"):
        op.create_index(op.f(f"ix_{table}_staff_id"), table, ["staff_id"])
    op.create_index(op.f("ix_notes_patient_id"), "notes", ["patient_id"])
