"""Claims by due time, a rate limit over all processes, and hops that can be paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.mirror.types import Utc, code

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OLD_INDEX = "ix_Outbox_status_next_attempt_at"


def upgrade() -> None:
    op.drop_index(_OLD_INDEX, "Outbox")
    with op.batch_alter_table("Outbox") as outbox:
        outbox.alter_column("next_attempt_at", existing_type=Utc(), nullable=True)
    outbox_table = sa.table(
        "Outbox",
        sa.column("status", sa.String), sa.column("parked", sa.Boolean),
        sa.column("next_attempt_at", Utc()),
    )  # fmt: skip
    ended = sa.or_(outbox_table.c.status == "success", outbox_table.c.parked == sa.true())
    op.execute(outbox_table.update().where(ended).values(next_attempt_at=None))
    op.create_index("ix_Outbox_due", "Outbox", ["next_attempt_at", "id", "contact_id"])
    op.create_table(
        "Pace",
        sa.Column("name", code(40), nullable=False),
        sa.Column("next_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_Pace")),
    )
    op.create_table(
        "Pause",
        sa.Column("hop", code(40), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("hop", name=op.f("pk_Pause")),
    )


def downgrade() -> None:
    op.drop_table("Pause")
    op.drop_table("Pace")
    op.drop_index("ix_Outbox_due", "Outbox")
    op.execute('UPDATE "Outbox" SET next_attempt_at = created_at WHERE next_attempt_at IS NULL')
    with op.batch_alter_table("Outbox") as outbox:
        outbox.alter_column("next_attempt_at", existing_type=Utc(), nullable=False)
    op.create_index(_OLD_INDEX, "Outbox", ["status", "next_attempt_at"])
