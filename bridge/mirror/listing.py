"""Contacts and history in pages, in the order of their ids, for whoever wants them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.mirror.tables import Address, Channel, Contact, ContactState

_CONTACT = {
    "manychat_id": Contact.manychat_id,
    "first_name": Contact.first_name,
    "last_name": Contact.last_name,
    "phone": Contact.phone,
    "email": Contact.email,
    "gender": Contact.gender,
    "channel": Channel.name,
    "subscription_date": Contact.subscription_date,
    "entry_date": Contact.entry_date,
    "initial_state": Contact.initial_state,
    "lead_id": Contact.odoo_lead_id,
    "lead_state": Contact.odoo_stage,
    "sync_status": Contact.odoo_sync_status,
    "street": Address.street,
    "district": Address.district,
    "city": Address.city,
    "state": Address.state,
    "country": Address.country,
}
_HISTORY = {
    "manychat_id": Contact.manychat_id,
    "state": ContactState.state,
    "category": ContactState.category,
    "occurred_at": ContactState.occurred_at,
    "created_at": ContactState.created_at,
}
CONTACT_COLUMNS = tuple(_CONTACT)
HISTORY_COLUMNS = tuple(_HISTORY)


def contacts(session: Session, after: int, limit: int) -> list[Sequence[Any]]:
    """Id and `CONTACT_COLUMNS` of at most `limit` contacts whose ids are greater than `after`."""
    rows = session.execute(
        select(Contact.id, *_CONTACT.values())
        .outerjoin(Channel, Channel.id == Contact.channel_id)
        .outerjoin(Address, Address.contact_id == Contact.id)
        .where(Contact.id > after)
        .order_by(Contact.id)
        .limit(limit)
    )
    return [tuple(row) for row in rows]


def history(session: Session, after: int, limit: int) -> list[Sequence[Any]]:
    """Id and `HISTORY_COLUMNS` of at most `limit` states whose ids are greater than `after`."""
    rows = session.execute(
        select(ContactState.id, *_HISTORY.values())
        .join(Contact, Contact.id == ContactState.contact_id)
        .where(ContactState.id > after)
        .order_by(ContactState.id)
        .limit(limit)
    )
    return [tuple(row) for row in rows]
