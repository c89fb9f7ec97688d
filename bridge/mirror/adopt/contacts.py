"""Contacts, some hundred in one transaction; `manychat_digest` tells which are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.events.cleaning.text import clean_id
from bridge.mirror import quarantine
from bridge.mirror.adopt.old import DATES, Old, Raw, Zone
from bridge.mirror.adopt.person import Person, Turned, turn
from bridge.mirror.assignments import refold
from bridge.mirror.chunks import delete_rows, insert_rows, update_rows
from bridge.mirror.delivery import SUCCESS
from bridge.mirror.digests import id_digest
from bridge.mirror.lookups import Lookups
from bridge.mirror.tables import (
    Advisor,
    Campaign,
    CampaignContact,
    Channel,
    Contact,
    ContactAssignment,
    ContactClock,
    ContactState,
)

BATCH = 500


@dataclass(frozen=True)
class Known:
    """The ids that references may lead to."""

    channels: frozenset[int]
    campaigns: frozenset[int]
    advisors: frozenset[int]


def read_known(session: Session) -> Known:
    """The ids of this moment."""
    ids = (frozenset(session.execute(select(model.id)).scalars())
           for model in (Channel, Campaign, Advisor))  # fmt: skip
    return Known(*ids)


def adopt_some(session: Session, zone: Zone, known: Known, now: datetime) -> tuple[int, int]:
    """Adopt the next contacts; how many, and how many history rows they got.

    (0, 0) when all are done.
    """
    old = Old(session)
    table = old.table("Contact")
    waiting = select(table).where(table.c.manychat_digest.is_(None)).order_by(table.c.id)
    contacts = [dict(row._mapping) for row in session.execute(waiting.limit(BATCH))]
    if not contacts:
        return 0, 0
    people = _people(old, zone, contacts, now)
    _mend_references(session, people, known, now)
    turned = [turn(person, known.advisors, now) for person in people]
    _write(session, people, turned, now)
    return len(people), sum(len(one.new_states) for one in turned)


def _people(old: Old, zone: Zone, contacts: Sequence[Raw], now: datetime) -> list[Person]:
    people = {row["id"]: Person(row) for row in contacts}
    for row in old.rows("Contact_State", contact_id=people):
        people[row["contact_id"]].states.append(row)
    for row in old.rows("Campaign_Contact", contact_id=people):
        people[row["contact_id"]].campaigns.append(row)
    for row in old.rows("Address", contact_id=people):
        people[row["contact_id"]].address = row
    for person in people.values():
        for table, rows in _dated(person):
            for row in rows:
                bad = _to_utc(zone, table, row)
                if bad:
                    owners = {row["id"]: id_digest(_clean(person.contact))}
                    quarantine.keep(
                        old.session, table, "bad_date", [bad], now, moved=False, owners=owners
                    )
        _fill_times(person, now)
    return list(people.values())


def _dated(person: Person) -> list[tuple[str, list[Raw]]]:
    return [("Contact", [person.contact]), ("Contact_State", person.states),
            ("Campaign_Contact", person.campaigns)]  # fmt: skip


def _fill_times(person: Person, now: datetime) -> None:
    """A state without a time came when the one before it did, or the contact itself."""
    dates = [person.contact.get(name) for name in DATES["Contact"]]
    times = [row["created_at"] for row in person.states]
    before = next((at for at in (*dates, *times) if at), now)
    for row in person.states:
        row["created_at"] = before = row["created_at"] or before


def _clean(contact: Raw) -> str:
    """The id as events carry it; rows without a usable one went before."""
    return clean_id(contact["manychat_id"]).value or ""


def _to_utc(zone: Zone, table: str, row: Raw) -> Raw:
    """Replace the row's dates; returns the values that are no dates, nothing without any."""
    moments = zone.dates_of(table, row)
    bad = {name: row[name] for name, at in moments.items() if at is None and row[name]}
    row.update(moments)
    return {"id": row["id"], **bad} if bad else {}


def _mend_references(
    session: Session, people: Sequence[Person], known: Known, now: datetime
) -> None:
    """Unknown campaigns become unconfirmed ones; an unknown channel is kept in the quarantine."""
    rows = [row for person in people for row in person.campaigns]
    unknown = {row["campaign_id"] for row in rows} - known.campaigns - {None}
    if unknown:
        lookups = Lookups(session, [{"campaign": str(id)} for id in sorted(unknown)])
        for row in rows:
            if row["campaign_id"] in unknown:
                row["campaign_id"] = lookups.campaign(str(row["campaign_id"]))[0]
    for person in people:
        contact = person.contact
        if contact["channel_id"] is not None and contact["channel_id"] not in known.channels:
            kept = [{"id": contact["id"], "channel_id": contact["channel_id"]}]
            owners = {contact["id"]: id_digest(_clean(contact))}
            quarantine.keep(
                session, "Contact", "unknown_channel", kept, now, moved=False, owners=owners
            )
            contact["channel_id"] = None


def _write(
    session: Session, people: Sequence[Person], turned: Sequence[Turned], now: datetime
) -> None:
    for person, one in zip(people, turned, strict=True):
        if one.folded:
            _take_out(session, person, one, now)
    gone = {id for one in turned for id in one.folded}
    rows = [row for person in people for row in person.campaigns if row["id"] not in gone]
    update_rows(session, CampaignContact, [_dates_and_campaign(row) for row in rows])
    states = [row for one in turned for row in one.states]
    update_rows(session, ContactState, [_without(row, "received") for row in states])
    insert_rows(session, ContactState, [row for one in turned for row in one.new_states])
    insert_rows(session, ContactAssignment, [row for one in turned for row in one.facts])
    insert_rows(session, ContactClock, [row for one in turned for row in one.clocks])
    pairs = zip(people, turned, strict=True)
    update_rows(session, Contact, [_contact(person.contact, one) for person, one in pairs])
    refold(session, [person.contact["id"] for person in people])


def _take_out(session: Session, person: Person, one: Turned, now: datetime) -> None:
    owner = id_digest(_clean(person.contact))
    for row in person.campaigns:
        if why := one.folded.get(row["id"]):
            owners = {row["id"]: owner}
            quarantine.keep(session, "Campaign_Contact", why, [row], now, owners=owners)
    delete_rows(session, CampaignContact.id, list(one.folded))


def _dates_and_campaign(row: Raw) -> Raw:
    names = ("id", "campaign_id", *DATES["Campaign_Contact"])
    return {name: row[name] for name in names if name in row}


def _contact(row: Raw, one: Turned) -> Raw:
    manychat_id = _clean(row)
    return {
        "id": row["id"],
        "manychat_id": manychat_id,
        "manychat_digest": id_digest(manychat_id),
        "channel_id": row["channel_id"],
        # nothing of it waits: `db adopt --push` is what puts it on the way to Odoo
        "odoo_sync_status": SUCCESS,
        "odoo_stage": one.stage,
        **{name: row.get(name) for name in DATES["Contact"]},
    }


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}
