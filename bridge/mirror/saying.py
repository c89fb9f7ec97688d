"""What the facts of contacts say, in the words of events: where the events themselves are gone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.mirror.chunks import rows_by
from bridge.mirror.contacts import GUESS_PREFIX
from bridge.mirror.items import GUESSED, as_json
from bridge.mirror.lookups import UNCONFIRMED
from bridge.mirror.standing import FACT_KEYS, Mirrored
from bridge.mirror.tables import Campaign, ContactAssignment, ContactState


def facts_of(
    session: Session, contacts: Mapping[int, Mirrored]
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Contact, clock and what was said: of every value, state and assignment that stands, those
    of people in Odoo included."""
    for id, contact in contacts.items():
        for key, (value, clock) in contact.values.items():
            if key not in FACT_KEYS:
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


def join(said: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add what one more fact of the same event says."""
    for key, value in more.items():
        if key == "address":
            said[key] = said.get(key, {}) | value
        elif key == GUESSED:
            said[key] = sorted({*said.get(key, ()), *value})
        else:
            said[key] = value
