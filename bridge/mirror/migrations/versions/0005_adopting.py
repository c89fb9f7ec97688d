"""Quarantine and progress of `db adopt`, and the stage that an adopted row had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.mirror.types import Utc, code, digest, typed

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "Quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("table_name", code(64), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=True),
        sa.Column("reason", code(40), nullable=False),
        sa.Column("moved", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("manychat_digest", digest(), nullable=True),
        sa.Column("row", typed(), nullable=False),
        sa.Column("kept_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Quarantine")),
    )
    op.create_index(
        op.f("ix_Quarantine_manychat_digest"), "Quarantine", ["manychat_digest"], unique=False
    )
    op.create_table(
        "Adoption",
        sa.Column("step", code(80), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("done_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("step", name=op.f("pk_Adoption")),
    )
    op.add_column("Contact_Assignment", sa.Column("lead_state", typed(255), nullable=True))


def downgrade() -> None:
    op.drop_column("Contact_Assignment", "lead_state")
    op.drop_table("Adoption")
    op.drop_index(op.f("ix_Quarantine_manychat_digest"), table_name="Quarantine")
    op.drop_table("Quarantine")
