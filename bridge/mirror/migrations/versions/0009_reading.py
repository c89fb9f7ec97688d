"""Indexes for what people ask: how a state was taken, how long events took."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_UNMAPPED: dict[str, Any] = {
    "sqlite_where": sa.text("unmapped = 1"),
    "postgresql_where": sa.text("unmapped"),
    "mssql_where": sa.text("unmapped = 1"),
}


def upgrade() -> None:
    op.create_index("ix_Contact_State_state_id", "Contact_State", ["state", "id"])
    op.create_index("ix_Outbox_synced_at", "Outbox", ["synced_at"])
    op.create_index("ix_Outbox_unmapped", "Outbox", ["event_id"], **_UNMAPPED)


def downgrade() -> None:
    op.drop_index("ix_Outbox_unmapped", table_name="Outbox", **_UNMAPPED)
    op.drop_index("ix_Outbox_synced_at", table_name="Outbox")
    op.drop_index("ix_Contact_State_state_id", table_name="Contact_State")
