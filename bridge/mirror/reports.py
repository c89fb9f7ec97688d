"""Questions that people ask the mirror; every function only reads."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from bridge.mirror.chunks import rows_by
from bridge.mirror.delivery import SUCCESS, DeadLetter, Inbox, Ledger, Outbox
from bridge.mirror.digests import id_digest
from bridge.mirror.tables import (
    Advisor,
    CampaignContact,
    Contact,
    ContactAssignment,
    ContactState,
)
from bridge.mirror.tombstones import Erasure


@dataclass(frozen=True)
class ContactSummary:
    """Where one contact stands; advisors by name, or by what ManyChat wrote of them."""

    manychat_id: str
    lead_id: int | None
    stage: str | None
    sync_status: str
    state: str | None
    commercial: str | None
    medical: str | None


@dataclass(frozen=True)
class TraceRow:
    """One event's way through the hops; a time is None where it has not come yet."""

    event_id: str
    manychat_id: str
    type: str
    received_at: datetime
    mirrored_at: datetime
    synced_at: datetime | None
    status: str
    outcome: str | None
    unmapped: bool
    lead_id: int | None
    stage: str | None
    reason: str | None


def lookup(session: Session, manychat_id: str) -> ContactSummary | None:
    """The contact of that id, None if the mirror does not know it; one statement.

    Its advisors are those of the campaign in force.
    """
    row = session.execute(_looked_up(), {"digest": id_digest(manychat_id)}).first()
    return None if row is None else ContactSummary(*row)


@cache  # putting it together takes twice as long as asking
def _looked_up() -> Select[Any]:
    commercial, medical = aliased(Advisor), aliased(Advisor)
    given, put = CampaignContact, _newest_campaign(Contact.id).scalar_subquery()
    return (
        select(
            Contact.manychat_id, Contact.odoo_lead_id, Contact.odoo_stage,
            Contact.odoo_sync_status, _newest_state(Contact.id).scalar_subquery(),
            func.coalesce(commercial.name, given.commercial_advisor_ref),
            func.coalesce(medical.name, given.medical_advisor_ref),
        )
        .select_from(Contact)
        .join(given, (given.contact_id == Contact.id)
              # NULL = NULL is not true: without a campaign there is one row without one
              & (func.coalesce(given.campaign_id, 0) == func.coalesce(put, 0)), isouter=True)
        .join(commercial, commercial.id == given.commercial_advisor_id, isouter=True)
        .join(medical, medical.id == given.medical_advisor_id, isouter=True)
        .where(Contact.manychat_digest == bindparam("digest"))
    )  # fmt: skip


def campaign_in_force(session: Session, contact_id: int) -> int | None:
    """The campaign that the contact was put into last; None before any."""
    found: int | None = session.execute(_newest_campaign(contact_id)).scalar()
    return found


def _newest_campaign(contact_id: Any) -> Select[Any]:
    given = ContactAssignment
    return (
        select(given.campaign_id)
        .where(given.contact_id == contact_id, given.campaign_id.is_not(None))
        .order_by(given.clock.desc())
        .limit(1)
    )


def _newest_state(contact_id: Any) -> Select[Any]:
    return (
        select(ContactState.state)
        .where(ContactState.contact_id == contact_id)
        # rows that were adopted have no clock: older than any that has one
        .order_by(func.coalesce(ContactState.clock, "").desc(), ContactState.id.desc())
        .limit(1)
    )


def outcome_of_state(session: Session, state: str) -> str:
    """How Odoo took this very state the last time: `mapped`, `unmapped` or `never sent`."""
    newest = (
        select(Outbox.unmapped)
        .join(ContactState, ContactState.event_id == Outbox.event_id)
        .where(ContactState.state == state, Outbox.status == SUCCESS)
        .order_by(ContactState.id.desc())
        .limit(1)
    )
    unmapped = session.execute(newest).scalar()
    return "never sent" if unmapped is None else "unmapped" if unmapped else "mapped"


@dataclass(frozen=True)
class Step:
    """One state of a contact's history; `changed` where it differs from the one before."""

    state: str
    category: str | None
    occurred_at: datetime | None
    received_at: datetime
    event_id: str | None
    changed: bool


def history(session: Session, contact_id: int) -> list[Step]:
    """Every state the contact went through, the oldest first."""
    rows = session.execute(
        select(
            ContactState.state, ContactState.category, ContactState.occurred_at,
            func.coalesce(Ledger.received_at, ContactState.created_at), ContactState.event_id,
        )
        .join(Ledger, Ledger.event_id == ContactState.event_id, isouter=True)
        .where(ContactState.contact_id == contact_id)
        .order_by(func.coalesce(ContactState.clock, ""), ContactState.id)
    ).all()  # fmt: skip
    before = [None, *(row.state for row in rows)]
    return [Step(*row, changed=row.state != last) for row, last in zip(rows, before, strict=False)]


def trace(session: Session, event_ids: Collection[str]) -> list[TraceRow]:
    """What became of these events, of those that the mirror has, oldest first."""
    columns = (
        select(
            Ledger.event_id, Contact.manychat_id, Ledger.type, Ledger.received_at,
            Ledger.mirrored_at, Outbox.synced_at, Outbox.status, Outbox.outcome, Outbox.unmapped,
            Contact.odoo_lead_id, Contact.odoo_stage, Outbox.reason,
        )
        .join(Contact, Contact.id == Ledger.contact_id)
        .join(Outbox, Outbox.event_id == Ledger.event_id)
        .order_by(Ledger.id)
    )  # fmt: skip
    return [TraceRow(*row) for row in rows_by(session, columns, Ledger.event_id, event_ids)]


def counts(session: Session) -> dict[str, int]:
    """Contacts by sync status (`contacts_pending`, …), and `inbox`, `dead_letters`, `parked`.

    `erasures_owed` are persons whom Odoo has not erased yet.
    """
    by_status = session.execute(
        select(Contact.odoo_sync_status, func.count()).group_by(Contact.odoo_sync_status)
    )
    found = {f"contacts_{status}": number for status, number in by_status}
    for name, table in (("inbox", Inbox), ("dead_letters", DeadLetter)):
        found[name] = session.execute(select(func.count()).select_from(table)).scalar_one()
    parked = select(func.count()).select_from(Outbox).where(Outbox.parked)
    owed = select(func.count()).where(Erasure.next_attempt_at.is_not(None))
    return found | {
        "parked": session.execute(parked).scalar_one(),
        "erasures_owed": session.execute(owed).scalar_one(),
    }
