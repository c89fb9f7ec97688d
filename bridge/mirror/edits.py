"""What people write about contacts and their campaigns: events of type `update`.

An edit takes the road of every event (clock, history, outbox), so it flows to Odoo and any order
ends the same. What a caller did wrong is a PermanentError as in `records.py`, or `bad_value`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge.errors import PermanentError
from bridge.events.clock import parse_iso
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.events.reading import Rules, accept, read_event
from bridge.events.spellings import WRITTEN_DATES
from bridge.mirror.apply import apply_events
from bridge.mirror.assignments import clocks_of, refold
from bridge.mirror.chunks import delete_rows
from bridge.mirror.contacts import lock_contacts, lock_known
from bridge.mirror.delivery import Ledger, Outbox
from bridge.mirror.digests import id_digest
from bridge.mirror.lookups import known_campaigns
from bridge.mirror.records import Row, check_reference, read
from bridge.mirror.reports import campaign_in_force
from bridge.mirror.tables import (
    Address,
    CampaignContact,
    Contact,
    ContactAssignment,
    ContactClock,
    ContactState,
)
from bridge.mirror.write_back import WriteBack

_DERIVED = frozenset({"last_state", *WRITTEN_DATES})
_OWNED = (WriteBack, Address, ContactClock, ContactState, ContactAssignment, Outbox, Ledger)
"""A contact's own rows, of no meaning without it."""


def contact_id_of(session: Session, manychat_id: str) -> int | None:
    """The mirror's id of that contact; None if the mirror does not know it."""
    digest = id_digest(manychat_id)
    return session.execute(select(Contact.id).where(Contact.manychat_digest == digest)).scalar()


def create_contact(session: Session, values: Mapping[str, Any], rules: Rules, now: datetime) -> Row:
    """A new contact. Raises PermanentError (`conflict` for a known ManyChat id)."""
    check_reference(session, "channels", "channel_id", values.get("channel_id"))
    manychat_id = _edit(session, values, rules, now, new=True)
    id = contact_id_of(session, manychat_id)
    return read(session, "contacts", id or 0)


def change_contact(
    session: Session, id: int, values: Mapping[str, Any], rules: Rules, now: datetime
) -> Row:
    """The contact with these values; None clears. Its ManyChat id stays."""
    before = read(session, "contacts", id)
    _stays(before, values, "manychat_id")
    check_reference(session, "channels", "channel_id", values.get("channel_id"))
    said = {key: value for key, value in values.items() if key != "manychat_id"}
    if said:
        _edit(session, said | {"manychat_id": before["manychat_id"]}, rules, now)
    return read(session, "contacts", id)


def remove_contact(session: Session, id: int) -> None:
    """Delete a contact that is in no campaign, with its history and what waits for Odoo.

    Its lead in Odoo stays, and a later event makes the contact anew.
    """
    lock_contacts(session, [read(session, "contacts", id)["manychat_id"]])
    inside = select(CampaignContact.id).where(CampaignContact.contact_id == id).limit(1)
    if session.execute(inside).first():
        raise PermanentError("conflict", "still used by Campaign_Contact")
    for model in _OWNED:
        delete_rows(session, model.contact_id, [id])
    delete_rows(session, Contact.id, [id])


def create_campaign_contact(
    session: Session, values: Mapping[str, Any], rules: Rules, now: datetime
) -> Row:
    """Put a contact into a campaign. Raises PermanentError (`conflict` if it is in there)."""
    contact_id, campaign_id = values["contact_id"], values["campaign_id"]
    check_reference(session, "contacts", "contact_id", contact_id)
    check_reference(session, "campaigns", "campaign_id", campaign_id)
    if _row_of(session, contact_id, campaign_id) is not None:
        raise PermanentError("conflict", "the contact is in this campaign already")
    return _edit_campaign(session, values, values, rules, now)


def change_campaign_contact(
    session: Session, id: int, values: Mapping[str, Any], rules: Rules, now: datetime
) -> Row:
    """The row with these values; None clears. An edited campaign comes into force."""
    before = read(session, "campaign-contacts", id)
    _stays(before, values, "contact_id", "campaign_id")
    said = {k: v for k, v in values.items() if k not in _DERIVED or not _same(before[k], v)}
    if not said.keys() - {"contact_id", "campaign_id"}:
        return before
    return _edit_campaign(session, before, said, rules, now)


def remove_campaign_contact(session: Session, id: int) -> None:
    """Take a contact out of a campaign: the facts that fold into the row go; states stay.

    The lead in Odoo keeps what it has.
    """
    row = read(session, "campaign-contacts", id)
    contact = read(session, "contacts", row["contact_id"])
    lock_contacts(session, [contact["manychat_id"]])
    clocks = clocks_of(session, row["contact_id"], row["campaign_id"])
    own = ContactAssignment.contact_id == row["contact_id"]
    # by clock: a person's write in Odoo has no event
    session.execute(delete(ContactAssignment).where(own, ContactAssignment.clock.in_(clocks)))
    refold(session, [row["contact_id"]])


def in_force(session: Session, contact_id: int) -> Row | None:
    """The contact's row of the campaign in force; None without any."""
    id = _row_of(session, contact_id, campaign_in_force(session, contact_id))
    return None if id is None else read(session, "campaign-contacts", id)


def apply_update(session: Session, event: Event, envelope: Envelope, now: datetime) -> bool:
    """Apply an update that names its contact by ManyChat id; False if nobody knows the contact.

    Applied twice (the caller's answer may have been lost) it changes nothing the second time.
    """
    if contact_id_of(session, event.manychat_id) is None:
        return False
    apply_events(session, [(event, envelope)], now)
    return True


def _edit_campaign(
    session: Session, row: Mapping[str, Any], values: Mapping[str, Any], rules: Rules, now: datetime
) -> Row:
    contact_id, campaign_id = row["contact_id"], row["campaign_id"]
    for key in ("commercial_advisor_id", "medical_advisor_id"):
        check_reference(session, "advisors", key, values.get(key))
    said = {k: v for k, v in values.items() if k not in {"contact_id", "campaign_id"}}
    said["manychat_id"] = read(session, "contacts", contact_id)["manychat_id"]
    # a batch that is just being applied may bring another campaign into force
    lock_known(session, [said["manychat_id"]])
    if campaign_id is not None and campaign_id != campaign_in_force(session, contact_id):
        said["campaign_id"] = _reference(session, campaign_id)
    _edit(session, said, rules, now)
    id = _row_of(session, contact_id, campaign_id)
    if id is None:
        raise PermanentError("bad_value", "nothing that makes a row was said")
    return read(session, "campaign-contacts", id)


def _edit(
    session: Session, values: Mapping[str, Any], rules: Rules, now: datetime, new: bool = False
) -> str:
    """Apply one update; returns the ManyChat id. What cannot be read whole is refused."""
    envelope = accept(EventType.UPDATE, dict(values), None, now, rules)
    event = read_event(envelope, rules)
    if event.scrubs:
        raise PermanentError("bad_value", ", ".join(scrub.text for scrub in event.scrubs))
    if new and contact_id_of(session, event.manychat_id) is not None:
        raise PermanentError("conflict", "manychat_id: there is a contact with it already")
    apply_events(session, [(event, envelope)], now)
    return event.manychat_id


def _reference(session: Session, campaign_id: int) -> str:
    """How an event names this campaign: by id, unless digits mean another one."""
    name = read(session, "campaigns", campaign_id)["name"]
    for reference in (str(campaign_id), name):
        meant = known_campaigns(session, {reference}).get(reference)
        if meant and meant[0] == campaign_id:
            return str(reference)
    raise PermanentError("conflict", "campaign_id: another campaign goes by this id and name")


def _row_of(session: Session, contact_id: int, campaign_id: int | None) -> int | None:
    row = CampaignContact
    same = row.campaign_id.is_(None) if campaign_id is None else row.campaign_id == campaign_id
    return session.execute(select(row.id).where(row.contact_id == contact_id, same)).scalar()


def _same(before: Any, given: Any) -> bool:
    """Whether a client gives back what it read: that is no wish to fix a derived value."""
    if isinstance(before, datetime) and isinstance(given, str):
        try:
            return parse_iso(given) == before
        except ValueError:
            return False
    return bool(before == given)


def _stays(before: Mapping[str, Any], values: Mapping[str, Any], *keys: str) -> None:
    for key in keys:
        if key in values and str(values[key]) != str(before[key]):
            raise PermanentError("conflict", f"{key} cannot be changed")
