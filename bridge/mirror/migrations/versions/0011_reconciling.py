"""Comparisons of mirror and Odoo: how far the one under way is, what the last ones found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.mirror.types import Utc, code, typed

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.text("0")
    op.create_table(
        "Reconciliation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("finished_at", Utc(), nullable=True),
        sa.Column("side", code(16), nullable=False),
        sa.Column("after", sa.Integer(), server_default=number, nullable=False),
        sa.Column("checked", sa.Integer(), server_default=number, nullable=False),
        sa.Column("moving", sa.Integer(), server_default=number, nullable=False),
        sa.Column("counts", typed(), nullable=False),
        sa.Column("fixed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("mended", typed(), nullable=False),
        sa.Column("told", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Reconciliation")),
    )


def downgrade() -> None:
    op.drop_table("Reconciliation")
