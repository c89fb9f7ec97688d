"""Erased persons: their digests, and what Odoo still has to do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.mirror.types import Utc, digest, typed

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "Erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("manychat_digest", digest(), nullable=False),
        sa.Column("erased_at", Utc(), nullable=False),
        sa.Column("manychat_id", typed(255), nullable=True),
        sa.Column("next_attempt_at", Utc(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", typed(255), nullable=True),
        sa.Column("done_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Erasure")),
        sa.UniqueConstraint("manychat_digest", name=op.f("uq_Erasure_manychat_digest")),
    )
    op.create_index(op.f("ix_Erasure_next_attempt_at"), "Erasure", ["next_attempt_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_Erasure_next_attempt_at"), table_name="Erasure")
    op.drop_table("Erasure")
