"""Whether the contact's partner in Odoo is archived, and who has none yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("Contact", sa.Column("odoo_contact_active", sa.Boolean(), nullable=True))
    op.create_index("ix_Contact_odoo_contact_id", "Contact", ["odoo_contact_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_Contact_odoo_contact_id", table_name="Contact")
    op.drop_column("Contact", "odoo_contact_active")
