"""Events of some contacts to Odoo once more, one revision up, so that Odoo takes them again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.events.clock import parse_iso
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType, Scrub
from bridge.mirror.apply import apply_events
from bridge.mirror.assignments import refold
from bridge.mirror.chunks import insert_rows, rows_by, update_rows
from bridge.mirror.contacts import GUESS_PREFIX, is_persons, lock_known
from bridge.mirror.delivery import SUCCESS, Ledger, Outbox
from bridge.mirror.items import GUESSED, as_json, dumps
from bridge.mirror.lookups import UNCONFIRMED
from bridge.mirror.standing import FACT_KEYS, Mirrored, standing_of
from bridge.mirror.tables import Campaign, ContactAssignment, ContactState

Wanted = Mapping[str, Collection[str] | None]
"""The event ids to send again by ManyChat id; None: all of the contact's."""


def resend(session: Session, wanted: Wanted, now: datetime) -> frozenset[str]:
    """Apply these events one revision up, which puts them into the outbox; whose there were any.

    What the ledger has forgotten (or never knew, of contacts that were adopted) is put together
    from the facts that it left, with its id and its clock.
    """
    lock_known(session, wanted)
    contacts = {one.id: one for one in standing_of(session, wanted).values()}
    _restore(session, contacts, now)
    pairs = []
    for row in rows_by(session, select(*Ledger.__table__.columns), Ledger.contact_id, contacts):
        manychat_id = contacts[row.contact_id].manychat_id
        chosen = wanted[manychat_id]
        if chosen is None or row.event_id in chosen:
            pairs.append(_one_up(row, manychat_id))
    if pairs:
        stages = _stages(session, contacts)
        apply_events(session, pairs, now)
        update_rows(session, ContactAssignment, stages, by=["event_id"])
        refold(session, sorted(contacts))
    return frozenset(event.manychat_id for event, _ in pairs)


def _one_up(row: Any, manychat_id: str) -> tuple[Event, Envelope]:
    """The event as the ledger has it: not read anew, so that it says what it said."""
    said = json.loads(row.said)
    scrubs = (text.partition(": ") for text in (row.scrubs or "").split(", ") if text)
    event = Event(
        event_id=row.event_id, revision=row.revision + 1, type=EventType(row.type),
        manychat_id=manychat_id, occurred_at=row.occurred_at, received_at=row.received_at,
        values={key: value for key, value in said.items() if key != GUESSED},
        guessed=frozenset(said.get(GUESSED, ())),
        scrubs=tuple(Scrub(field, code) for field, _, code in scrubs),
    )  # fmt: skip
    envelope = Envelope(
        id=row.event_id, type=event.type, received_at=row.received_at, occurred_at=None,
        payload=json.loads(row.payload), revision=event.revision,
    )  # fmt: skip
    return event, envelope


def _restore(session: Session, contacts: Mapping[int, Mirrored], now: datetime) -> None:
    """Put events that only their facts tell of into ledger and outbox, as done."""
    found: dict[str, dict[str, Any]] = {}
    for contact_id, clock, said in _facts(session, contacts):
        id = clock.split("|")[2]
        kept = found.setdefault(id, {"clock": clock, "contact_id": contact_id, "said": {}})
        _join(kept["said"], said)
    known = _known(session, Ledger.event_id, found)
    rows = [_row(id, kept, now) for id, kept in found.items() if id not in known]
    insert_rows(session, Ledger, rows)
    waiting = _known(session, Outbox.event_id, found)
    done = [_done(row, now) for row in rows if row["event_id"] not in waiting]
    insert_rows(session, Outbox, done)


def _join(said: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if key == "address":
            said[key] = said.get(key, {}) | value
        elif key == GUESSED:
            said[key] = sorted({*said.get(key, ()), *value})
        else:
            said[key] = value


def _known(session: Session, column: Any, ids: Collection[str]) -> set[str]:
    return {row[0] for row in rows_by(session, select(column), column, ids)}


def _facts(
    session: Session, contacts: Mapping[int, Mirrored]
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Contact, clock and what was said: of every value, state and assignment that stands."""
    for id, contact in contacts.items():
        for key, (value, clock) in contact.values.items():
            if key not in FACT_KEYS and not is_persons(clock):
                yield id, clock.removeprefix(GUESS_PREFIX), _said(key, value, clock)
    states = select(*ContactState.__table__.columns).where(ContactState.clock.is_not(None))
    for row in rows_by(session, states, ContactState.contact_id, contacts):
        category = {"category": row.category} if row.category else {}
        yield row.contact_id, row.clock, {"state": row.state, **category}
    facts = list(rows_by(
        session, select(*ContactAssignment.__table__.columns), ContactAssignment.contact_id,
        contacts))  # fmt: skip
    names = _campaigns(session, {row.campaign_id for row in facts} - {None})
    for row in facts:
        if not is_persons(row.clock):
            yield row.contact_id, row.clock, _assigned(row, names)


def _said(key: str, value: Any, clock: str) -> dict[str, Any]:
    """A value as an event says it; a cleared one is False."""
    said = as_json(value) if value is not None else False
    if key.startswith("address."):
        return {"address": {key.removeprefix("address."): said}}
    return {key: said} | ({GUESSED: [key]} if clock.startswith(GUESS_PREFIX) else {})


def _assigned(row: Any, names: Mapping[int, str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if row.campaign_id in names:
        said["campaign"] = names[row.campaign_id]
    if row.summary is not None:
        said["summary"] = row.summary or False
    for role in ("commercial", "medical"):
        if getattr(row, f"{role}_said"):
            said[role] = getattr(row, f"{role}_ref") or False
    if row.registered_at:
        said["registered_at"] = as_json(row.registered_at)
    if row.dates:
        said["dates"] = json.loads(row.dates)
    return said


def _campaigns(session: Session, ids: Collection[int]) -> dict[int, str]:
    """How an event would name the campaigns: by id, an unconfirmed one by what it was made for."""
    read = select(Campaign.id, Campaign.name, Campaign.status)
    return {row.id: row.name if row.status == UNCONFIRMED else str(row.id)
            for row in rows_by(session, read, Campaign.id, ids)}  # fmt: skip


def _row(event_id: str, kept: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    occurred, received, _, revision = kept["clock"].split("|")
    said = kept["said"]
    return {
        "event_id": event_id, "revision": int(revision), "type": str(_type(said)),
        "contact_id": kept["contact_id"], "clock": kept["clock"],
        "occurred_at": parse_iso(occurred), "received_at": parse_iso(received),
        "mirrored_at": now, "payload": "{}", "said": dumps(said), "scrubs": None,
    }  # fmt: skip


def _type(said: Mapping[str, Any]) -> EventType:
    if said.keys() & FACT_KEYS:
        return EventType.ASSIGNMENT
    return EventType.STAGE if "state" in said else EventType.CONTACT


def _done(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    names = ("event_id", "revision", "contact_id", "clock")
    return {name: row[name] for name in names} | {
        "body": "{}", "status": SUCCESS, "created_at": now, "synced_at": now}  # fmt: skip


def _stages(session: Session, ids: Collection[int]) -> list[dict[str, Any]]:
    """Where a lead stood when its row was adopted: no event says it, so it is kept apart."""
    read = select(ContactAssignment.event_id, ContactAssignment.lead_state)
    read = read.where(ContactAssignment.lead_state.is_not(None))
    return [dict(row._mapping) for row in rows_by(
        session, read, ContactAssignment.contact_id, ids)]  # fmt: skip
