"""Releases that do not exist yet: the program as it is, with more migrations than it has.

python -m tests.releases FOLDER worker        `monitor worker` of the release whose migrations are in FOLDER
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from monitor import db

FILE = '''"""{name}"""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{follows}"
branch_labels = None
depends_on = None


def upgrade() -> None:
{body}

def downgrade() -> None:
    raise NotImplementedError
'''
# What a release may do under the feet of the one before it.
ADDITIVE = """
op.add_column("messages", sa.Column("tone", sa.String(12), nullable=True))
op.add_column("patients", sa.Column("visits", sa.Integer(), nullable=False, server_default="0"))
op.create_table("tones", sa.Column("id", sa.Integer(), primary_key=True))
postgres = op.get_bind().dialect.name == "postgresql"
with op.get_context().autocommit_block():
    op.create_index("ix_messages_tone", "messages", ["tone"], postgresql_concurrently=postgres)
"""
BREAKING = """
op.execute("UPDATE compatibility SET oldest = '{name}'")
op.drop_table("tones")
"""


def add_release(folder: Path, name: str, body: str, *, follows: Path | None = None) -> Path:
    """A folder with the migrations of a release, or of ours, and one more."""
    shutil.copytree(follows or db.migrations_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    lines = "".join(f"    {line}\n" for line in body.format(name=name).strip().splitlines())
    file = FILE.format(name=name, follows=head_of(folder), body=lines)
    (folder / "versions" / f"29990101_{name}.py").write_text(file, encoding="utf-8")
    return folder


def head_of(folder: Path) -> str:
    from alembic.script import ScriptDirectory

    head = ScriptDirectory(str(folder)).get_current_head()
    assert head is not None
    return head


def main() -> None:
    folder = Path(sys.argv[1])
    db.migrations_folder = lambda: folder  # before anybody has imported it from there

    from monitor.cli import main as monitor
    from monitor.services import release
    from tests.faults.process import hurry

    hurry(read_timeout=2.0)
    release.EVERY = 0.5
    sys.argv = ["monitor", *sys.argv[2:]]
    monitor()


if __name__ == "__main__":
    main()
