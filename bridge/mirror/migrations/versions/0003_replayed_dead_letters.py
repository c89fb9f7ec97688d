"""When a dead letter was replayed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.mirror.types import Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("Dead_Letter", sa.Column("replayed_at", Utc(), nullable=True))


def downgrade() -> None:
    op.drop_column("Dead_Letter", "replayed_at")
