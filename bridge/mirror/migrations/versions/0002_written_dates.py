"""Dates that a person wrote, with the fact that said them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.mirror.types import typed

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("Contact_Assignment", sa.Column("dates", typed(), nullable=True))


def downgrade() -> None:
    op.drop_column("Contact_Assignment", "dates")
