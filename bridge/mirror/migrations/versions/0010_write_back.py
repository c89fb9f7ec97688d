"""What ManyChat is to be told of its contacts, and how it is set up in Odoo."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.mirror.types import Utc, code, digest, typed

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "Write_Back_Setup",
        sa.Column("name", code(40), nullable=False),
        sa.Column("body", typed(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_Write_Back_Setup")),
    )
    op.create_table(
        "Write_Back",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("kind", code(8), nullable=False),
        sa.Column("name", typed(255), nullable=False),
        sa.Column("name_digest", digest(), nullable=False),
        sa.Column("value", typed(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", code(16), nullable=False),
        sa.Column("parked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reason", typed(255), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", Utc(), nullable=True),
        sa.Column("changed_at", Utc(), nullable=False),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["Contact.id"], name=op.f("fk_Write_Back_contact_id_Contact")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Write_Back")),
        sa.UniqueConstraint(
            "contact_id", "kind", "name_digest", name=op.f("uq_Write_Back_contact_id")
        ),
    )
    op.create_index("ix_Write_Back_due", "Write_Back", ["next_attempt_at", "id", "contact_id"])
    op.create_index("ix_Write_Back_status", "Write_Back", ["status", "parked"])


def downgrade() -> None:
    op.drop_index("ix_Write_Back_status", table_name="Write_Back")
    op.drop_index("ix_Write_Back_due", table_name="Write_Back")
    op.drop_table("Write_Back")
    op.drop_table("Write_Back_Setup")
