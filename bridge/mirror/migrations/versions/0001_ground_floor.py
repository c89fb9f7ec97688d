"""The predecessor's tables, and ledger, clocks, facts, inbox, outbox, dead letters, leases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.mirror.types import Utc, code, digest, typed

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _where_set(column: str) -> dict[str, Any]:
    there = sa.text(f"{column} IS NOT NULL")
    return {"sqlite_where": there, "postgresql_where": there, "mssql_where": there}


def upgrade() -> None:
    op.create_table(
        "Advisor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", typed(255), nullable=False),
        sa.Column("email", typed(255), nullable=True),
        sa.Column("phone", typed(50), nullable=True),
        sa.Column("role", typed(50), nullable=True),
        sa.Column("status", typed(50), nullable=True),
        sa.Column("genre", typed(20), nullable=True),
        sa.Column("odoo_id", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", Utc(), nullable=True),
        sa.Column("updated_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Advisor")),
    )
    op.create_index(op.f("ix_Advisor_email"), "Advisor", ["email"], unique=False)
    op.create_index(op.f("ix_Advisor_odoo_id"), "Advisor", ["odoo_id"], unique=False)
    op.create_table(
        "Channel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", typed(100), nullable=False),
        sa.Column("description", typed(255), nullable=True),
        sa.Column("made_for", digest(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Channel")),
    )
    op.create_index(
        "uq_Channel_made_for", "Channel", ["made_for"], unique=True, **_where_set("made_for")
    )
    op.create_table(
        "Dead_Letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", code(64), nullable=False),
        sa.Column("hop", code(64), nullable=False),
        sa.Column("type", code(16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", typed(), nullable=True),
        sa.Column("payload", typed(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("dead_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Dead_Letter")),
        sa.UniqueConstraint("event_id", "hop", name=op.f("uq_Dead_Letter_event_id")),
    )
    op.create_index(op.f("ix_Dead_Letter_dead_at"), "Dead_Letter", ["dead_at"], unique=False)
    op.create_table(
        "Inbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", code(36), nullable=False),
        sa.Column("queue", code(63), nullable=False),
        sa.Column("envelope", typed(), nullable=False),
        sa.Column("kept_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Inbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_Inbox_event_id")),
    )
    op.create_table(
        "Lease",
        sa.Column("name", code(40), nullable=False),
        sa.Column("holder", typed(100), nullable=True),
        sa.Column("until", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_Lease")),
    )
    op.create_table(
        "Campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", typed(255), nullable=False),
        sa.Column("date_start", Utc(), nullable=True),
        sa.Column("date_end", Utc(), nullable=True),
        sa.Column("budget", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("status", typed(50), nullable=True),
        sa.Column("channel_id", sa.Integer(), nullable=True),
        sa.Column("made_for", digest(), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["Channel.id"], name=op.f("fk_Campaign_channel_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Campaign")),
    )
    op.create_index(op.f("ix_Campaign_channel_id"), "Campaign", ["channel_id"], unique=False)
    op.create_index(op.f("ix_Campaign_name"), "Campaign", ["name"], unique=False)
    op.create_index(
        "uq_Campaign_made_for", "Campaign", ["made_for"], unique=True, **_where_set("made_for")
    )
    op.create_table(
        "Contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("manychat_id", typed(255), nullable=False),
        sa.Column("manychat_digest", digest(), nullable=False),
        sa.Column("first_name", typed(255), nullable=True),
        sa.Column("last_name", typed(255), nullable=True),
        sa.Column("email", typed(255), nullable=True),
        sa.Column("gender", typed(255), nullable=True),
        sa.Column("phone", typed(50), nullable=True),
        sa.Column("subscription_date", Utc(), nullable=True),
        sa.Column("entry_date", Utc(), nullable=True),
        sa.Column("initial_state", typed(255), nullable=True),
        sa.Column("channel_id", sa.Integer(), nullable=True),
        sa.Column("odoo_sync_status", code(16), nullable=False),
        sa.Column("odoo_contact_id", sa.Integer(), nullable=True),
        sa.Column("odoo_lead_id", sa.Integer(), nullable=True),
        sa.Column("odoo_stage", typed(255), nullable=True),
        sa.Column("odoo_dates", typed(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["Channel.id"], name=op.f("fk_Contact_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Contact")),
        sa.UniqueConstraint("manychat_digest", name=op.f("uq_Contact_manychat_digest")),
    )
    op.create_index(op.f("ix_Contact_channel_id"), "Contact", ["channel_id"], unique=False)
    op.create_index(op.f("ix_Contact_email"), "Contact", ["email"], unique=False)
    op.create_index(op.f("ix_Contact_manychat_id"), "Contact", ["manychat_id"], unique=False)
    op.create_index(op.f("ix_Contact_odoo_lead_id"), "Contact", ["odoo_lead_id"], unique=False)
    op.create_index(
        op.f("ix_Contact_odoo_sync_status"), "Contact", ["odoo_sync_status"], unique=False
    )
    op.create_index(op.f("ix_Contact_phone"), "Contact", ["phone"], unique=False)
    op.create_table(
        "Address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("street", typed(255), nullable=True),
        sa.Column("district", typed(255), nullable=True),
        sa.Column("city", typed(255), nullable=True),
        sa.Column("state", typed(255), nullable=True),
        sa.Column("country", typed(255), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["Contact.id"], name=op.f("fk_Address_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Address")),
        sa.UniqueConstraint("contact_id", name=op.f("uq_Address_contact_id")),
    )
    op.create_table(
        "Campaign_Contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("commercial_advisor_id", sa.Integer(), nullable=True),
        sa.Column("medical_advisor_id", sa.Integer(), nullable=True),
        sa.Column("commercial_advisor_ref", typed(255), nullable=True),
        sa.Column("medical_advisor_ref", typed(255), nullable=True),
        sa.Column("registration_date", Utc(), nullable=True),
        sa.Column("commercial_assignment_date", Utc(), nullable=True),
        sa.Column("commercial_process_start_date", Utc(), nullable=True),
        sa.Column("medical_assignment_date", Utc(), nullable=True),
        sa.Column("medical_process_start_date", Utc(), nullable=True),
        sa.Column("medical_process_end_date", Utc(), nullable=True),
        sa.Column("quotation_start_date", Utc(), nullable=True),
        sa.Column("sale_order_date", Utc(), nullable=True),
        sa.Column("successful_sale_date", Utc(), nullable=True),
        sa.Column("conversation_closed_date", Utc(), nullable=True),
        sa.Column("last_state", typed(255), nullable=True),
        sa.Column("lead_state", typed(255), nullable=True),
        sa.Column("summary", typed(), nullable=True),
        sa.Column("sync_status", code(16), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["Campaign.id"], name=op.f("fk_Campaign_Contact_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["commercial_advisor_id"],
            ["Advisor.id"],
            name=op.f("fk_Campaign_Contact_commercial_advisor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["Contact.id"], name=op.f("fk_Campaign_Contact_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["medical_advisor_id"],
            ["Advisor.id"],
            name=op.f("fk_Campaign_Contact_medical_advisor_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Campaign_Contact")),
        sa.UniqueConstraint(
            "contact_id", "campaign_id", name=op.f("uq_Campaign_Contact_contact_id")
        ),
    )
    op.create_index(
        op.f("ix_Campaign_Contact_campaign_id"), "Campaign_Contact", ["campaign_id"], unique=False
    )
    op.create_index(
        op.f("ix_Campaign_Contact_commercial_advisor_id"),
        "Campaign_Contact",
        ["commercial_advisor_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_Campaign_Contact_medical_advisor_id"),
        "Campaign_Contact",
        ["medical_advisor_id"],
        unique=False,
    )
    op.create_table(
        "Contact_Assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("event_id", code(36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("clock", code(160), nullable=False),
        sa.Column("occurred_at", Utc(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("registered_at", Utc(), nullable=True),
        sa.Column("commercial_said", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("commercial_ref", typed(255), nullable=True),
        sa.Column("commercial_advisor_id", sa.Integer(), nullable=True),
        sa.Column("medical_said", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("medical_ref", typed(255), nullable=True),
        sa.Column("medical_advisor_id", sa.Integer(), nullable=True),
        sa.Column("summary", typed(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["Campaign.id"], name=op.f("fk_Contact_Assignment_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["commercial_advisor_id"],
            ["Advisor.id"],
            name=op.f("fk_Contact_Assignment_commercial_advisor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["Contact.id"], name=op.f("fk_Contact_Assignment_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["medical_advisor_id"],
            ["Advisor.id"],
            name=op.f("fk_Contact_Assignment_medical_advisor_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Contact_Assignment")),
        sa.UniqueConstraint("event_id", name=op.f("uq_Contact_Assignment_event_id")),
    )
    op.create_index(
        op.f("ix_Contact_Assignment_campaign_id"),
        "Contact_Assignment",
        ["campaign_id"],
        unique=False,
    )
    op.create_index(
        "ix_Contact_Assignment_contact_id_clock",
        "Contact_Assignment",
        ["contact_id", "clock"],
        unique=False,
    )
    op.create_table(
        "Contact_Clock",
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("key", code(40), nullable=False),
        sa.Column("clock", code(160), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["Contact.id"], name=op.f("fk_Contact_Clock_contact_id")
        ),
        sa.PrimaryKeyConstraint("contact_id", "key", name=op.f("pk_Contact_Clock")),
    )
    op.create_table(
        "Contact_State",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("state", typed(255), nullable=False),
        sa.Column("category", typed(255), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("occurred_at", Utc(), nullable=True),
        sa.Column("event_id", code(36), nullable=True),
        sa.Column("revision", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("clock", code(160), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["Contact.id"], name=op.f("fk_Contact_State_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Contact_State")),
    )
    op.create_index(
        "ix_Contact_State_contact_id_clock", "Contact_State", ["contact_id", "clock"], unique=False
    )
    op.create_index(
        "uq_Contact_State_event_id",
        "Contact_State",
        ["event_id"],
        unique=True,
        **_where_set("event_id"),
    )
    op.create_table(
        "Ledger",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", code(36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("type", code(16), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("clock", code(160), nullable=False),
        sa.Column("occurred_at", Utc(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("mirrored_at", Utc(), nullable=False),
        sa.Column("payload", typed(), nullable=False),
        sa.Column("said", typed(), nullable=False),
        sa.Column("scrubs", typed(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["Contact.id"], name=op.f("fk_Ledger_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Ledger")),
        sa.UniqueConstraint("event_id", name=op.f("uq_Ledger_event_id")),
    )
    op.create_index(op.f("ix_Ledger_contact_id"), "Ledger", ["contact_id"], unique=False)
    op.create_index(op.f("ix_Ledger_mirrored_at"), "Ledger", ["mirrored_at"], unique=False)
    op.create_table(
        "Outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", code(36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("clock", code(160), nullable=False),
        sa.Column("body", typed(), nullable=False),
        sa.Column("status", code(16), nullable=False),
        sa.Column("parked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("unmapped", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("outcome", code(16), nullable=True),
        sa.Column("reason", typed(255), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", Utc(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("synced_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["Contact.id"], name=op.f("fk_Outbox_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_Outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_Outbox_event_id")),
    )
    op.create_index(op.f("ix_Outbox_contact_id"), "Outbox", ["contact_id"], unique=False)
    op.create_index(
        "ix_Outbox_status_next_attempt_at", "Outbox", ["status", "next_attempt_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_Outbox_status_next_attempt_at", table_name="Outbox")
    op.drop_index(op.f("ix_Outbox_contact_id"), table_name="Outbox")
    op.drop_table("Outbox")
    op.drop_index(op.f("ix_Ledger_mirrored_at"), table_name="Ledger")
    op.drop_index(op.f("ix_Ledger_contact_id"), table_name="Ledger")
    op.drop_table("Ledger")
    op.drop_index("uq_Contact_State_event_id", table_name="Contact_State", **_where_set("event_id"))
    op.drop_index("ix_Contact_State_contact_id_clock", table_name="Contact_State")
    op.drop_table("Contact_State")
    op.drop_table("Contact_Clock")
    op.drop_index("ix_Contact_Assignment_contact_id_clock", table_name="Contact_Assignment")
    op.drop_index(op.f("ix_Contact_Assignment_campaign_id"), table_name="Contact_Assignment")
    op.drop_table("Contact_Assignment")
    op.drop_index(op.f("ix_Campaign_Contact_medical_advisor_id"), table_name="Campaign_Contact")
    op.drop_index(op.f("ix_Campaign_Contact_commercial_advisor_id"), table_name="Campaign_Contact")
    op.drop_index(op.f("ix_Campaign_Contact_campaign_id"), table_name="Campaign_Contact")
    op.drop_table("Campaign_Contact")
    op.drop_table("Address")
    op.drop_index(op.f("ix_Contact_phone"), table_name="Contact")
    op.drop_index(op.f("ix_Contact_odoo_sync_status"), table_name="Contact")
    op.drop_index(op.f("ix_Contact_odoo_lead_id"), table_name="Contact")
    op.drop_index(op.f("ix_Contact_manychat_id"), table_name="Contact")
    op.drop_index(op.f("ix_Contact_email"), table_name="Contact")
    op.drop_index(op.f("ix_Contact_channel_id"), table_name="Contact")
    op.drop_table("Contact")
    op.drop_index("uq_Campaign_made_for", table_name="Campaign", **_where_set("made_for"))
    op.drop_index(op.f("ix_Campaign_name"), table_name="Campaign")
    op.drop_index(op.f("ix_Campaign_channel_id"), table_name="Campaign")
    op.drop_table("Campaign")
    op.drop_table("Lease")
    op.drop_table("Inbox")
    op.drop_index(op.f("ix_Dead_Letter_dead_at"), table_name="Dead_Letter")
    op.drop_table("Dead_Letter")
    op.drop_index("uq_Channel_made_for", table_name="Channel", **_where_set("made_for"))
    op.drop_table("Channel")
    op.drop_index(op.f("ix_Advisor_odoo_id"), table_name="Advisor")
    op.drop_index(op.f("ix_Advisor_email"), table_name="Advisor")
    op.drop_table("Advisor")
