"""An index for what is in error or parked: asked every few seconds."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_Outbox_status", "Outbox", ["status", "parked"])


def downgrade() -> None:
    op.drop_index("ix_Outbox_status", "Outbox")
