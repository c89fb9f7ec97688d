"""What is from before every contact had a partner in Odoo, in slices: contacts and campaigns.

An event that says nothing makes a contact's partner, through the outbox as any other event.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.errors import TransientError
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.mirror import feeds, outbox
from bridge.mirror.chunks import rows_by
from bridge.mirror.contacts import lock_known
from bridge.mirror.delivery import Outbox
from bridge.mirror.items import Item
from bridge.mirror.lookups import Lookups
from bridge.mirror.tables import Campaign, Contact

PARTNERS, CAMPAIGNS = "partners", "campaigns"
"""The names of the cursors: the last id that was passed."""
SLICE = 200
CROWDED = 1000
_NAMESPACE = UUID("0c1fd6d7-4b7e-5b0e-8d0f-6f6b0f0f3b53")


def fill_some(session: Session, now: datetime) -> int:
    """Put an event of the next contacts without a partner into the outbox; how many were passed.

    None while much waits there already. Each contact is asked for once: one whose partner a
    person deleted, or for whom Odoo made none, is left to its next event.
    """
    if _is_crowded(session):
        return 0
    before = feeds.position(session, PARTNERS)
    contacts = _without_partner(session, int(before or 0))
    if not contacts:
        return 0
    lock_known(session, contacts.values())
    items = [_item(id, manychat_id, now) for id, manychat_id in contacts.items()]
    known = select(Outbox.event_id)
    ids = [item.event.event_id for item in items]
    done = {row.event_id for row in rows_by(session, known, Outbox.event_id, ids)}
    new = [item for item in items if item.event.event_id not in done]
    outbox.add(session, new, Lookups(session, []), now)
    _pass(session, PARTNERS, before, max(contacts), now)
    return len(contacts)


def passed(session: Session) -> int:
    """The last contact that was asked for a partner; those behind it are still to be."""
    return int(feeds.position(session, PARTNERS) or 0)


def begin_again(session: Session, now: datetime) -> None:
    """Look at all contacts once more: some may have been pushed by workers of another mode."""
    before = feeds.position(session, PARTNERS)
    if before is not None:
        _pass(session, PARTNERS, before, 0, now)


def new_campaigns(session: Session) -> list[dict[str, Any]]:
    """The next campaigns that Odoo was not told of, as `{id, name}`."""
    after = int(feeds.position(session, CAMPAIGNS) or 0)
    columns = select(Campaign.id, Campaign.name).where(Campaign.id > after)
    rows = session.execute(columns.order_by(Campaign.id).limit(SLICE))
    return [{"id": id, "name": name} for id, name in rows]


def pass_campaigns(session: Session, last: int, now: datetime) -> None:
    """Note that Odoo has the campaigns up to this id."""
    before = feeds.position(session, CAMPAIGNS)
    if int(before or 0) < last:
        _pass(session, CAMPAIGNS, before, last, now)


def _is_crowded(session: Session) -> bool:
    waiting = select(Outbox.id).where(Outbox.next_attempt_at.is_not(None)).limit(CROWDED)
    count = select(func.count()).select_from(waiting.subquery())
    return session.execute(count).scalar_one() >= CROWDED


def _without_partner(session: Session, after: int) -> dict[int, str]:
    """Contacts that Odoo answered for, without a partner, and nobody ever told of one."""
    columns = (
        select(Contact.id, Contact.manychat_id)
        .where(
            Contact.odoo_contact_id.is_(None), Contact.id > after,
            Contact.odoo_contact_active.is_(None), Contact.odoo_answers > 0,
        )
        .order_by(Contact.id)
        .limit(SLICE)
    )  # fmt: skip
    return {row.id: row.manychat_id for row in session.execute(columns)}


def _item(contact_id: int, manychat_id: str, now: datetime) -> Item:
    event = Event(
        event_id=str(uuid5(_NAMESPACE, manychat_id)), revision=0, type=EventType.UPDATE,
        manychat_id=manychat_id, occurred_at=now, received_at=now, values={},
    )  # fmt: skip
    envelope = Envelope(
        id=event.event_id, type=event.type, received_at=now, occurred_at=now, payload={}
    )
    return Item(event, envelope, contact_id, {}, known=False)


def _pass(session: Session, name: str, before: str | None, last: int, now: datetime) -> None:
    if not feeds.advance(session, name, before, str(last), now):
        raise TransientError("filling_moved", "another process was faster")
