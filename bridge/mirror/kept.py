"""What the mirror keeps of contacts beside their rows, read in one statement."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, literal_column, null, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from bridge.events.clock import parse_iso
from bridge.mirror.chunks import in_parts
from bridge.mirror.fold import Fact, Who
from bridge.mirror.tables import Address, ContactAssignment, ContactClock, ContactState

_FACT, _CLOCK, _STATE, _ADDRESS = range(4)
_MOST_IDS = 500
"""Each is asked for in four tables."""


@dataclass(frozen=True)
class Kept:
    """By contact id: the clock of each written key, and the facts that its campaigns fold.

    `addressed`: the contacts that have an address.
    """

    clocks: dict[int, dict[str, str]] = field(default_factory=dict)
    facts: dict[int, list[Fact]] = field(default_factory=dict)
    addressed: set[int] = field(default_factory=set)


def read_kept(session: Session, contact_ids: Collection[int]) -> Kept:
    """What is kept of these contacts; read it with them locked."""
    kept = Kept()
    for part in in_parts(contact_ids, _MOST_IDS):
        for row in session.execute(_STATEMENT, {"ids": part}):
            if row.kind == _CLOCK:
                kept.clocks.setdefault(row.contact_id, {})[row.key] = row.clock
            elif row.kind == _ADDRESS:
                kept.addressed.add(row.contact_id)
            else:
                kept.facts.setdefault(row.contact_id, []).append(_fact(row))
    return kept


def _fact(row: Any) -> Fact:
    if row.kind == _STATE:
        return Fact(row.clock, row.occurred_at, state=row.state)
    return Fact(
        row.clock,
        row.occurred_at,
        campaign_id=row.campaign_id,
        registered_at=row.registered_at,
        commercial=_who(row, "commercial"),
        medical=_who(row, "medical"),
        summary=row.summary,
        written=_dates(row.dates),
        stage=row.state,
    )


def _who(row: Any, role: str) -> Who | None:
    if not getattr(row, f"{role}_said"):
        return None
    return Who(getattr(row, f"{role}_ref"), getattr(row, f"{role}_advisor_id"))


def _dates(text: str | None) -> Mapping[str, datetime | None]:
    return {name: parse_iso(at) if at else None for name, at in json.loads(text or "{}").items()}


_FACT_COLUMNS: dict[str, InstrumentedAttribute[Any]] = {
    column.key: column
    for column in (
        ContactAssignment.contact_id,
        ContactAssignment.clock,
        ContactAssignment.occurred_at,
        ContactAssignment.campaign_id,
        ContactAssignment.registered_at,
        ContactAssignment.commercial_said,
        ContactAssignment.commercial_ref,
        ContactAssignment.commercial_advisor_id,
        ContactAssignment.medical_said,
        ContactAssignment.medical_ref,
        ContactAssignment.medical_advisor_id,
        ContactAssignment.summary,
        ContactAssignment.dates,
    )
} | {"state": ContactAssignment.lead_state}


def _part(
    kind: int,
    owner: InstrumentedAttribute[int],
    columns: Mapping[str, InstrumentedAttribute[Any]],
) -> Select[*tuple[Any, ...]]:
    """One table's rows, with NULL for the columns that it does not have."""
    all_columns: list[ColumnElement[Any]] = [literal_column(str(kind)).label("kind")]
    for name in (*_FACT_COLUMNS, "key"):
        own = columns.get(name)
        all_columns.append((null() if own is None else own).label(name))
    return select(*all_columns).where(owner.in_(bindparam("ids", expanding=True)))


# The order matters: a database takes the type of a column from the first two of its tables.
_STATEMENT = union_all(
    _part(_FACT, ContactAssignment.contact_id, _FACT_COLUMNS),
    _part(
        _CLOCK,
        ContactClock.contact_id,
        {
            "contact_id": ContactClock.contact_id,
            "clock": ContactClock.clock,
            "key": ContactClock.key,
        },
    ),
    _part(
        _STATE,
        ContactState.contact_id,
        {
            "contact_id": ContactState.contact_id,
            "clock": ContactState.clock,
            "occurred_at": ContactState.occurred_at,
            "state": ContactState.state,
        },
    ).where(ContactState.clock.is_not(None)),
    _part(_ADDRESS, Address.contact_id, {"contact_id": Address.contact_id}),
)
