"""What of a lead ManyChat is to know: its stage, advisors and id, and what a stage's entry does.

Fields follow the lead whoever moved it; tags and flows follow a person's move alone, since they
set off automations that may move the lead again (decision 0017).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from bridge.mirror import write_back_setup
from bridge.mirror.chunks import rows_by
from bridge.mirror.digests import id_digest
from bridge.mirror.tables import Advisor, CampaignContact, Contact, ContactAssignment
from bridge.mirror.write_back import FIELD, FLOW, OFF, ON, TAG, Wish, wish
from bridge.mirror.write_back_setup import Setup

ROLES = ("commercial", "medical")
Entry = Mapping[str, Any]
"""What a stage's entry does: `fields` (name → value), `add`, `remove` and `flows` (names)."""


class Told(Protocol):
    """What telling needs of a change of the feed."""

    @property
    def manychat_id(self) -> str: ...
    @property
    def lead_id(self) -> int | None: ...
    @property
    def clock(self) -> str: ...
    @property
    def entry(self) -> Entry | None: ...


def note_changes(session: Session, changes: Sequence[Told], now: datetime) -> int:
    """Note what these changes, which are applied and whose contacts are locked, tell ManyChat."""
    setup = write_back_setup.current(session)
    if setup.is_off:
        return 0
    digests = {id_digest(change.manychat_id) for change in changes}
    columns = select(Contact.id, Contact.manychat_id)
    ids = {row.manychat_id: row.id
           for row in rows_by(session, columns, Contact.manychat_digest, digests)}  # fmt: skip
    leads = {change.lead_id for change in changes if change.lead_id}
    shared = {row.id for row in rows_by(session, columns, Contact.odoo_lead_id, leads)}
    wishes = facts(session, {*ids.values(), *shared}, setup)
    for change in changes:
        if change.entry and change.manychat_id in ids:
            wishes += entered(ids[change.manychat_id], change.clock, change.entry)
    return wish(session, wishes, now, really=setup.really)


def note_answers(session: Session, contact_ids: Collection[int], now: datetime) -> int:
    """Note where Odoo's answers left the leads of these contacts, which are locked."""
    setup = write_back_setup.current(session)
    if setup.is_off or not setup.fields:
        return 0
    return wish(session, facts(session, contact_ids, setup), now, really=setup.really)


def entered(contact_id: int, clock: str, entry: Entry) -> list[Wish]:
    """What a person's move into a stage does, sent also if it was sent before."""
    named = [(FIELD, str(name), str(value)) for name, value in _pairs(entry.get("fields"))]
    named += [(TAG, name, OFF) for name in _names(entry.get("remove"))]
    named += [(TAG, name, ON) for name in _names(entry.get("add"))]
    named += [(FLOW, name, clock) for name in _names(entry.get("flows"))]
    return [Wish(contact_id, *one, always=True) for one in named if one[1]]


def facts(session: Session, contact_ids: Collection[int], setup: Setup) -> list[Wish]:
    """The fields that follow the lead; only what ManyChat does not have yet is sent."""
    columns = select(Contact.id, Contact.odoo_lead_id, Contact.odoo_stage)
    advisors = _advisors(session, contact_ids) if setup.fields.keys() & set(ROLES) else {}
    wishes = []
    for row in rows_by(session, columns, Contact.id, contact_ids):
        names = advisors.get(row.id, {})
        stand = {"stage": row.odoo_stage, "lead_id": row.odoo_lead_id,
                 **{role: names.get(role) for role in ROLES}}  # fmt: skip
        for fact, name in setup.fields.items():
            value = "" if stand[fact] is None else str(stand[fact])
            wishes.append(Wish(row.id, FIELD, name, value))
    return wishes


def _advisors(session: Session, contact_ids: Collection[int]) -> dict[int, dict[str, str | None]]:
    """Both advisors' names in the campaign in force, as the look-up of a contact gives them."""
    given = select(ContactAssignment.contact_id, ContactAssignment.campaign_id).where(
        ContactAssignment.campaign_id.is_not(None)
    )
    by_clock = given.order_by(ContactAssignment.clock)
    in_force = dict(
        tuple(row) for row in rows_by(session, by_clock, ContactAssignment.contact_id, contact_ids)
    )
    commercial, medical = aliased(Advisor), aliased(Advisor)
    rows = (
        select(
            CampaignContact.contact_id, CampaignContact.campaign_id,
            func.coalesce(commercial.name, CampaignContact.commercial_advisor_ref),
            func.coalesce(medical.name, CampaignContact.medical_advisor_ref),
        )
        .select_from(CampaignContact)
        .join(commercial, commercial.id == CampaignContact.commercial_advisor_id, isouter=True)
        .join(medical, medical.id == CampaignContact.medical_advisor_id, isouter=True)
    )  # fmt: skip
    return {
        contact_id: {"commercial": names[0], "medical": names[1]}
        for contact_id, campaign_id, *names in rows_by(
            session, rows, CampaignContact.contact_id, contact_ids
        )
        if campaign_id == in_force.get(contact_id)
    }


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []
