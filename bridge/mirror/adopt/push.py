"""What was adopted, on its way to Odoo: an outbox row for each fact, as for an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bridge.events.clock import parse_iso
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.mirror import outbox
from bridge.mirror.adopt.person import event_id
from bridge.mirror.chunks import rows_by
from bridge.mirror.contacts import ADDRESS_COLUMNS, COLUMNS
from bridge.mirror.delivery import Ledger
from bridge.mirror.items import Item, as_json
from bridge.mirror.lookups import UNCONFIRMED, Lookups
from bridge.mirror.quarantine import Adoption
from bridge.mirror.tables import (
    Address,
    Campaign,
    Channel,
    Contact,
    ContactAssignment,
    ContactClock,
    ContactState,
)

BATCH = 200
_STEP = "pushed"


def push_some(session: Session, now: datetime) -> tuple[int, int]:
    """Put the next adopted contacts into the outbox; (contacts, rows), (0, 0) when all are in.

    The addon knows an event by its id, so that rows that are pushed again change nothing.
    """
    done = session.get(Adoption, _STEP)
    last = done.counted if done else 0
    read = select(Contact.id, Contact.manychat_id).where(Contact.id > last).order_by(Contact.id)
    contacts = {row.id: row.manychat_id for row in session.execute(read.limit(BATCH))}
    if not contacts:
        return 0, 0
    items = sorted(_items(session, contacts), key=lambda item: item.event.clock)
    if items:
        outbox.add(session, items, Lookups(session, [item.said for item in items]), now)
    if done:
        done.counted = max(contacts)
    else:
        session.add(Adoption(step=_STEP, counted=max(contacts), done_at=now))
    return len(contacts), len(items)


def _items(session: Session, contacts: Mapping[int, str]) -> Iterator[Item]:
    for row, said in _values(session, list(contacts)):
        yield _item(EventType.CONTACT, row, contacts, said)
    states = _without_event(session, ContactState, list(contacts))
    for row in states:
        said = {"state": row.state, "category": row.category}
        yield _item(EventType.STAGE, row, contacts, said)
    facts = _without_event(session, ContactAssignment, list(contacts))
    names = _campaigns(session, facts)
    for row in facts:
        said = {
            "campaign": names.get(row.campaign_id),
            "commercial": row.commercial_ref,
            "medical": row.medical_ref,
            "summary": row.summary,
        }
        yield _item(EventType.ASSIGNMENT, row, contacts, said)


def _item(type: EventType, row: Any, contacts: Mapping[int, str], said: Mapping[str, Any]) -> Item:
    occurred, received, id, revision = row.clock.split("|")
    manychat_id = contacts[row.contact_id]
    event = Event(
        event_id=id, revision=int(revision), type=type, manychat_id=manychat_id,
        occurred_at=parse_iso(occurred), received_at=parse_iso(received), values={},
    )  # fmt: skip
    envelope = Envelope(
        id=id, type=type, received_at=event.received_at, occurred_at=event.occurred_at, payload={}
    )
    return Item(event, envelope, row.contact_id, {k: v for k, v in said.items() if v}, known=False)


def _without_event(session: Session, model: Any, ids: Sequence[int]) -> list[Any]:
    """Facts that no event of the ledger said: the adopted ones."""
    read: Select[Any] = select(*model.__table__.columns).where(
        ~select(Ledger.id).where(Ledger.event_id == model.event_id).exists()
    )
    return list(rows_by(session, read, model.contact_id, ids))


def _campaigns(session: Session, facts: Sequence[Any]) -> dict[int, str]:
    """How an event would name the campaigns: by id, an unconfirmed one by what it was made for."""
    read = select(Campaign.id, Campaign.name, Campaign.status)
    ids = {row.campaign_id for row in facts if row.campaign_id is not None}
    return {row.id: row.name if row.status == UNCONFIRMED else str(row.id)
            for row in rows_by(session, read, Campaign.id, ids)}  # fmt: skip


def _values(session: Session, ids: Sequence[int]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A clock row of each contact, and what stands with the clock of its adoption."""
    contact, address = Contact.__table__.c, Address.__table__.c
    parts = [address[part].label(f"address.{part}") for part in ADDRESS_COLUMNS]
    read = (
        select(*contact, Channel.name.label("channel"), *parts)
        .join(Channel, Channel.id == Contact.channel_id, isouter=True)
        .join(Address, Address.contact_id == Contact.id, isouter=True)
    )
    found = {row.id: dict(row._mapping) for row in rows_by(session, read, Contact.id, ids)}
    clocks: dict[int, list[Any]] = {}
    read_clocks = select(ContactClock.contact_id, ContactClock.key, ContactClock.clock)
    for row in rows_by(session, read_clocks, ContactClock.contact_id, ids):
        if event_id("Contact", row.contact_id) in row.clock:
            clocks.setdefault(row.contact_id, []).append(row)
    for id, rows in clocks.items():
        yield rows[0], _said(found[id], [row.key for row in rows])


def _said(row: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        key: as_json(row[key if key == "channel" else COLUMNS[key]])
        for key in keys
        if key in COLUMNS
    }
    parts = {key.removeprefix("address."): row[key] for key in keys if key.startswith("address.")}
    return said | ({"address": parts} if parts else {})
