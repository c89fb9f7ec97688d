"""How far Odoo's change feed was read, and whose answer about a lead is the newest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.mirror.types import Utc, code

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "Feed",
        sa.Column("name", code(40), nullable=False),
        sa.Column("cursor", code(100), nullable=False),
        sa.Column("read_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_Feed")),
    )
    # SQLite cannot make anew a table to which rows of others point, so no batch
    op.add_column("Contact", sa.Column("odoo_active", sa.Boolean(), nullable=True))
    for name in ("odoo_answers", "odoo_told"):
        count = sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
        op.add_column("Contact", count)


def downgrade() -> None:
    for name in ("odoo_told", "odoo_answers"):
        op.drop_column("Contact", name, mssql_drop_default=True)
    op.drop_column("Contact", "odoo_active")
    op.drop_table("Feed")
