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
    with op.batch_alter_table("Contact") as contact:
        contact.add_column(sa.Column("odoo_active", sa.Boolean(), nullable=True))
        for name in ("odoo_answers", "odoo_told"):
            count = sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
            contact.add_column(count)


def downgrade() -> None:
    with op.batch_alter_table("Contact") as contact:
        contact.drop_column("odoo_told")
        contact.drop_column("odoo_answers")
        contact.drop_column("odoo_active")
    op.drop_table("Feed")
