"""One batch of events into the mirror, inside one transaction of the store's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.events.envelope import Envelope
from bridge.events.event import Event
from bridge.mirror import assignments, outbox
from bridge.mirror.chunks import delete_rows, insert_rows, rows_by, update_rows
from bridge.mirror.contacts import Held, hold_contacts, write_values
from bridge.mirror.delivery import Ledger
from bridge.mirror.items import Item, Writer, dumps, said_by
from bridge.mirror.kept import read_kept
from bridge.mirror.lookups import Lookups
from bridge.mirror.seen import Seen, read_seen
from bridge.mirror.tables import ContactAssignment, ContactState
from bridge.mirror.tombstones import without_erased


@dataclass(frozen=True)
class Applied:
    """How many of a batch's events were new here, how many had been applied before, and how many
    were dropped, since their person was erased after they came."""

    new: int
    known: int
    erased: int = 0


def apply_events(
    session: Session, items: Sequence[tuple[Event, Envelope]], now: datetime
) -> Applied:
    """Apply events of any contacts, in any order, any number of times.

    The ledger decides what is new: an equal or lower revision of a known event changes nothing.
    An assignment before its contact makes a stub that the contact's event fills later.
    """
    held = hold_contacts(session, sorted({event.manychat_id for event, _ in items}))
    seen = read_seen(session, [event for event, _ in items])
    alive = without_erased(session, items, seen.erased)
    fresh = _fresh(alive, seen, held)
    if fresh:
        _apply(session, fresh, {one.id: one for one in held.values()}, now)
    return Applied(len(fresh), len(alive) - len(fresh), len(items) - len(alive))


def _apply(
    session: Session, fresh: Sequence[Item], held: Mapping[int, Held], now: datetime
) -> None:
    mended = [item for item in fresh if item.known]
    _keep_ledger(session, fresh, now)
    writers = _writers(session, fresh, mended)
    lookups = Lookups(session, [writer.said for given in writers.values() for writer in given])
    _forget_rows(session, [item.event.event_id for item in mended])
    _keep_states(session, fresh, now)
    assignments.keep_facts(session, fresh, lookups)
    outbox.put(session, fresh, lookups, now)
    touched = [held[contact_id] for contact_id in writers]
    statuses = outbox.statuses_of_waiting(session, touched, fresh)
    kept = read_kept(session, list(writers))
    mended_ids = {item.event.event_id for item in mended}
    moved = {one.id: statuses[one.id] for one in touched if statuses[one.id] != one.status}
    write_values(session, writers, mended_ids, lookups, kept=kept, statuses=moved)
    now_held = [one._replace(status=statuses[one.id]) for one in touched]
    assignments.refold_held(session, now_held, kept.facts)


def _fresh(
    items: Sequence[tuple[Event, Envelope]], seen: Seen, held: Mapping[str, Held]
) -> list[Item]:
    """What the ledger does not know yet, in clock order; of each event its highest revision.

    That one says what the lower revisions of the batch said, as if they had come before it.
    """
    fresh: dict[str, Item] = {}
    for event, envelope in sorted(items, key=lambda pair: pair[0].revision):
        row, last = seen.ledger.get(event.event_id), fresh.get(event.event_id)
        known = last.event.revision if last else row[0] if row else -1
        if event.revision > known:
            before = last.said if last else json.loads(row[1]) if row else None
            contact_id = held[event.manychat_id].id
            said = said_by(event, before)
            fresh[event.event_id] = Item(event, envelope, contact_id, said, row is not None)
    return sorted(fresh.values(), key=lambda item: item.event.clock)


def _writers(
    session: Session, fresh: Sequence[Item], mended: Sequence[Item]
) -> dict[int, list[Writer]]:
    """Who may be the newest writer, by contact: the new events, and all where one was mended."""
    writers: dict[int, list[Writer]] = {}
    for item in fresh:
        writers.setdefault(item.contact_id, []).append(item.writer)
    columns = select(Ledger.contact_id, Ledger.event_id, Ledger.clock, Ledger.said)
    touched = {item.contact_id for item in mended}
    for row in rows_by(session, columns, Ledger.contact_id, touched):
        writers[row.contact_id].append(Writer(row.event_id, row.clock, json.loads(row.said)))
    return writers


def _keep_ledger(session: Session, items: Sequence[Item], now: datetime) -> None:
    insert_rows(session, Ledger, [_ledger_row(item, now) for item in items if not item.known])
    mended = [_ledger_row(item, now) for item in items if item.known]
    update_rows(session, Ledger, mended, by=["event_id"])


def _ledger_row(item: Item, now: datetime) -> dict[str, Any]:
    event = item.event
    return {
        "event_id": event.event_id,
        "revision": event.revision,
        "type": str(event.type),
        "contact_id": item.contact_id,
        "clock": event.clock,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "mirrored_at": now,
        "payload": dumps(item.envelope.payload),
        "said": dumps(item.said),
        "scrubs": ", ".join(scrub.text for scrub in event.scrubs) or None,
    }


def _forget_rows(session: Session, event_ids: Sequence[str]) -> None:
    """A higher revision says all of its event anew."""
    delete_rows(session, ContactState.event_id, event_ids)
    delete_rows(session, ContactAssignment.event_id, event_ids)


def _keep_states(session: Session, items: Iterable[Item], now: datetime) -> None:
    rows = [
        {
            "contact_id": item.contact_id,
            "state": state,
            "category": item.said.get("category") or None,
            "created_at": now,
            "occurred_at": item.event.occurred_at,
            "event_id": item.event.event_id,
            "revision": item.event.revision,
            "clock": item.event.clock,
        }
        for item in items
        if (state := item.said.get("state"))
    ]
    insert_rows(session, ContactState, rows)
