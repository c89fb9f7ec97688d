"""The ledger read again: what events said when they came, and what a mended rule makes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.mirror.delivery import Ledger
from bridge.mirror.items import said_by


@dataclass(frozen=True)
class Entry:
    """One event as the ledger has it; `envelope` sends it again, one revision up."""

    id: int
    envelope: Envelope
    occurred_at: datetime
    said: Mapping[str, Any]

    def is_changed_by(self, event: Event) -> bool:
        """Whether today's reading says anything else than what stands in the ledger."""
        same_time = event.occurred_at == self.occurred_at
        return not same_time or said_by(event, self.said) != self.said


def entries(session: Session, since: datetime, after: int, limit: int) -> list[Entry]:
    """At most `limit` events received since then, behind the ledger's number `after`."""
    rows = session.execute(
        select(
            Ledger.id, Ledger.event_id, Ledger.type, Ledger.received_at, Ledger.payload,
            Ledger.revision, Ledger.occurred_at, Ledger.said,
        )
        .where(Ledger.received_at >= since, Ledger.id > after)
        .order_by(Ledger.id)
        .limit(limit)
    )  # fmt: skip
    return [
        Entry(
            row.id,
            Envelope(
                id=row.event_id,
                type=EventType(row.type),
                received_at=row.received_at,
                occurred_at=None,
                payload=json.loads(row.payload),
                revision=row.revision + 1,
            ),
            row.occurred_at,
            json.loads(row.said),
        )
        for row in rows
    ]
