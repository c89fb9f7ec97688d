"""The tables that people and analysts read: the predecessor's, by its names, and their history."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Boolean, ForeignKey, Index, Numeric, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from bridge.mirror.base import Base, once
from bridge.mirror.types import code, digest, typed


class Channel(Base):
    """Where a contact came from. `made_for`: digest of the folded name, of those we made."""

    __tablename__ = "Channel"
    __table_args__ = (once("Channel", "made_for"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(typed(100))
    description: Mapped[str | None] = mapped_column(typed(255))
    made_for: Mapped[bytes | None] = mapped_column(digest())


class Campaign(Base):
    """A campaign; one that ManyChat named first has the status `unconfirmed`."""

    __tablename__ = "Campaign"
    __table_args__ = (once("Campaign", "made_for"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(typed(255), index=True)
    date_start: Mapped[datetime | None]
    date_end: Mapped[datetime | None]
    budget: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    status: Mapped[str | None] = mapped_column(typed(50))
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("Channel.id"), index=True)
    made_for: Mapped[bytes | None] = mapped_column(digest())


class Advisor(Base):
    """A salesperson or a doctor; `role` tells which, `odoo_id` is the `res.users` id."""

    __tablename__ = "Advisor"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(typed(255))
    email: Mapped[str | None] = mapped_column(typed(255), index=True)
    phone: Mapped[str | None] = mapped_column(typed(50))
    role: Mapped[str | None] = mapped_column(typed(50))
    status: Mapped[str | None] = mapped_column(typed(50))
    genre: Mapped[str | None] = mapped_column(typed(20))
    odoo_id: Mapped[int | None] = mapped_column(index=True)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]


class Contact(Base):
    """One ManyChat contact; each column holds what its newest writer said (`Contact_Clock`).

    `manychat_digest` (SHA-256 of the id's UTF-8) is what look-ups compare: SQL Server's default
    collation takes `abc` for `ABC `. `odoo_dates` is the JSON object of funnel dates and
    `odoo_stage` the stage that Odoo answered last; `odoo_active` is false since a person archived
    the lead or lost it (None: not told since an event changed it). `odoo_contact_id` is the
    contact's partner; `odoo_contact_active` is false since a person archived or deleted it
    (None: no person ever did anything to it). `odoo_answers` and `odoo_told` count what the sync
    answered and what the change feed told of the lead.
    """

    __tablename__ = "Contact"
    __table_args__ = (Index("ix_Contact_odoo_contact_id", "odoo_contact_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    manychat_id: Mapped[str] = mapped_column(typed(255), index=True)
    manychat_digest: Mapped[bytes] = mapped_column(digest(), unique=True)
    first_name: Mapped[str | None] = mapped_column(typed(255))
    last_name: Mapped[str | None] = mapped_column(typed(255))
    email: Mapped[str | None] = mapped_column(typed(255), index=True)
    gender: Mapped[str | None] = mapped_column(typed(255))
    phone: Mapped[str | None] = mapped_column(typed(50), index=True)
    subscription_date: Mapped[datetime | None]
    entry_date: Mapped[datetime | None]
    initial_state: Mapped[str | None] = mapped_column(typed(255))
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("Channel.id"), index=True)
    odoo_sync_status: Mapped[str] = mapped_column(code(16), index=True)
    odoo_contact_id: Mapped[int | None]
    odoo_contact_active: Mapped[bool | None]
    odoo_lead_id: Mapped[int | None] = mapped_column(index=True)
    odoo_stage: Mapped[str | None] = mapped_column(typed(255))
    odoo_dates: Mapped[str | None] = mapped_column(typed())
    odoo_active: Mapped[bool | None]
    odoo_answers: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    odoo_told: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class Address(Base):
    """A contact's address; its parts have clocks of their own."""

    __tablename__ = "Address"

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[str | None] = mapped_column(typed(255))
    district: Mapped[str | None] = mapped_column(typed(255))
    city: Mapped[str | None] = mapped_column(typed(255))
    state: Mapped[str | None] = mapped_column(typed(255))
    country: Mapped[str | None] = mapped_column(typed(255))
    contact_id: Mapped[int] = mapped_column(ForeignKey("Contact.id"), unique=True)


class ContactClock(Base):
    """Which write made a value what it is: the clock of the newest writer of each key."""

    __tablename__ = "Contact_Clock"

    contact_id: Mapped[int] = mapped_column(ForeignKey("Contact.id"), primary_key=True)
    key: Mapped[str] = mapped_column(code(40), primary_key=True)
    clock: Mapped[str] = mapped_column(code(160))


class ContactState(Base):
    """One row an event that carried a state; `created_at` is when it arrived here."""

    __tablename__ = "Contact_State"
    __table_args__ = (
        once("Contact_State", "event_id"),
        Index("ix_Contact_State_contact_id_clock", "contact_id", "clock"),
        Index("ix_Contact_State_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("Contact.id"))
    state: Mapped[str] = mapped_column(typed(255))
    category: Mapped[str | None] = mapped_column(typed(255))
    created_at: Mapped[datetime]
    occurred_at: Mapped[datetime | None]
    event_id: Mapped[str | None] = mapped_column(code(36))
    revision: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    clock: Mapped[str | None] = mapped_column(code(160))


class ContactAssignment(Base):
    """What one event said about campaign, advisors and summary: a fact `Campaign_Contact` folds.

    `commercial_said`: the event names or clears (no reference) the commercial advisor. An empty
    `summary` clears it. `dates`: JSON object of the dates that a person wrote, `""` clears one.
    `lead_state`: where the lead stood when a predecessor's row was adopted.
    """

    __tablename__ = "Contact_Assignment"
    __table_args__ = (Index("ix_Contact_Assignment_contact_id_clock", "contact_id", "clock"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("Contact.id"))
    event_id: Mapped[str] = mapped_column(code(36), unique=True)
    revision: Mapped[int]
    clock: Mapped[str] = mapped_column(code(160))
    occurred_at: Mapped[datetime]
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("Campaign.id"), index=True)
    registered_at: Mapped[datetime | None]
    commercial_said: Mapped[bool] = mapped_column(default=False, server_default=false())
    commercial_ref: Mapped[str | None] = mapped_column(typed(255))
    commercial_advisor_id: Mapped[int | None] = mapped_column(ForeignKey("Advisor.id"))
    medical_said: Mapped[bool] = mapped_column(default=False, server_default=false())
    medical_ref: Mapped[str | None] = mapped_column(typed(255))
    medical_advisor_id: Mapped[int | None] = mapped_column(ForeignKey("Advisor.id"))
    summary: Mapped[str | None] = mapped_column(typed())
    dates: Mapped[str | None] = mapped_column(typed())
    lead_state: Mapped[str | None] = mapped_column(typed(255))


class CampaignContact(Base):
    """A contact in a campaign: the fold of its facts, and of what Odoo answered.

    `*_advisor_ref` keeps an advisor whom the mirror does not know. `campaign_id` is NULL only
    for advisors of a contact that no event has put into a campaign.
    """

    __tablename__ = "Campaign_Contact"
    __table_args__ = (UniqueConstraint("contact_id", "campaign_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("Campaign.id"), index=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("Contact.id"))
    commercial_advisor_id: Mapped[int | None] = mapped_column(ForeignKey("Advisor.id"), index=True)
    medical_advisor_id: Mapped[int | None] = mapped_column(ForeignKey("Advisor.id"), index=True)
    commercial_advisor_ref: Mapped[str | None] = mapped_column(typed(255))
    medical_advisor_ref: Mapped[str | None] = mapped_column(typed(255))
    registration_date: Mapped[datetime | None]
    commercial_assignment_date: Mapped[datetime | None]
    commercial_process_start_date: Mapped[datetime | None]
    medical_assignment_date: Mapped[datetime | None]
    medical_process_start_date: Mapped[datetime | None]
    medical_process_end_date: Mapped[datetime | None]
    quotation_start_date: Mapped[datetime | None]
    sale_order_date: Mapped[datetime | None]
    successful_sale_date: Mapped[datetime | None]
    conversation_closed_date: Mapped[datetime | None]
    last_state: Mapped[str | None] = mapped_column(typed(255))
    lead_state: Mapped[str | None] = mapped_column(typed(255))
    summary: Mapped[str | None] = mapped_column(typed())
    sync_status: Mapped[str | None] = mapped_column(code(16))
