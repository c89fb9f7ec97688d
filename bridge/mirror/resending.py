"""Events of some contacts to Odoo once more, one revision up, so that Odoo takes them again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.events.clock import parse_iso
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType, Scrub
from bridge.events.ids import new_event_id
from bridge.mirror.apply import apply_events
from bridge.mirror.assignments import refold
from bridge.mirror.chunks import insert_rows, rows_by, update_rows
from bridge.mirror.contacts import is_persons, lock_known
from bridge.mirror.delivery import SUCCESS, Ledger, Outbox
from bridge.mirror.items import GUESSED, dumps
from bridge.mirror.saying import facts_of, join
from bridge.mirror.standing import FACT_KEYS, Mirrored, standing_of
from bridge.mirror.tables import ContactAssignment

Wanted = Mapping[str, Collection[str] | None]
"""The event ids to send again by ManyChat id, and clocks of what people typed in Odoo; None: all
of the contact's."""


def resend(session: Session, wanted: Wanted, now: datetime) -> frozenset[str]:
    """Apply these events one revision up, which puts them into the outbox; whose there were any.

    What the ledger has forgotten (or never knew, of contacts that were adopted) is put together
    from the facts that it left, with its id and its clock. What a person typed in an Odoo that lost
    it comes as an event of its own.
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
    pairs += _retold(session, contacts, wanted, now)
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


def _retold(
    session: Session, contacts: Mapping[int, Mirrored], wanted: Wanted, now: datetime
) -> Iterator[tuple[Event, Envelope]]:
    """What people typed: of the same time, and heard of a moment later, so that it stands on both
    sides."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for contact_id, clock, said in facts_of(session, contacts):
        manychat_id = contacts[contact_id].manychat_id
        chosen = wanted[manychat_id]
        if is_persons(clock) and (chosen is None or clock in chosen):
            join(found.setdefault((manychat_id, clock), {}), said)
    for (manychat_id, clock), said in found.items():
        occurred, received, *_ = clock.split("|")
        event = Event(
            event_id=new_event_id(now), revision=0, type=EventType.UPDATE,
            manychat_id=manychat_id, occurred_at=parse_iso(occurred),
            received_at=max(now, parse_iso(received) + timedelta(microseconds=1)), values=said,
        )  # fmt: skip
        yield event, Envelope(
            id=event.event_id, type=event.type, received_at=event.received_at, occurred_at=None,
            payload={},
        )  # fmt: skip


def _restore(session: Session, contacts: Mapping[int, Mirrored], now: datetime) -> None:
    """Put events that only their facts tell of into ledger and outbox, as done."""
    found: dict[str, dict[str, Any]] = {}
    for contact_id, clock, said in facts_of(session, contacts):
        if is_persons(clock):
            continue
        id = clock.split("|")[2]
        kept = found.setdefault(id, {"clock": clock, "contact_id": contact_id, "said": {}})
        join(kept["said"], said)
    known = _known(session, Ledger.event_id, found)
    rows = [_row(id, kept, now) for id, kept in found.items() if id not in known]
    insert_rows(session, Ledger, rows)
    waiting = _known(session, Outbox.event_id, found)
    done = [_done(row, now) for row in rows if row["event_id"] not in waiting]
    insert_rows(session, Outbox, done)


def _known(session: Session, column: Any, ids: Collection[str]) -> set[str]:
    return {row[0] for row in rows_by(session, select(column), column, ids)}


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
