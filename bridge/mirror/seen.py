"""What is known of a batch's events before they are applied, read in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, null, select, type_coerce, union_all
from sqlalchemy.orm import Session

from bridge.events.event import Event
from bridge.mirror.chunks import MOST_KEYS
from bridge.mirror.delivery import Ledger
from bridge.mirror.digests import id_digest
from bridge.mirror.tombstones import Erasure


@dataclass(frozen=True)
class Seen:
    """`ledger`: revision and values (JSON) of the events that were applied before, by event id.

    `erased`: until when the events of an erased person are dropped, by digest of the ManyChat id.
    """

    ledger: dict[str, tuple[int, str]] = field(default_factory=dict)
    erased: dict[bytes, datetime] = field(default_factory=dict)


def read_seen(session: Session, events: Sequence[Event]) -> Seen:
    """What ledger and tombstones say; read it with the contacts locked."""
    seen = Seen()
    for start in range(0, len(events), MOST_KEYS):
        part = events[start : start + MOST_KEYS]
        asked = {
            "event_ids": sorted({event.event_id for event in part}),
            "digests": sorted({id_digest(event.manychat_id) for event in part}),
        }
        for row in session.execute(_STATEMENT, asked):
            if row.event_id is None:
                seen.erased[bytes(row.manychat_digest)] = row.erased_at
            else:
                seen.ledger[row.event_id] = (row.revision, row.said)
    return seen


_STATEMENT = union_all(
    select(
        Ledger.event_id,
        Ledger.revision,
        Ledger.said,
        type_coerce(null(), Erasure.__table__.c.manychat_digest.type).label("manychat_digest"),
        type_coerce(null(), Erasure.__table__.c.erased_at.type).label("erased_at"),
    ).where(Ledger.event_id.in_(bindparam("event_ids", expanding=True))),
    select(null(), null(), null(), Erasure.manychat_digest, Erasure.erased_at).where(
        Erasure.manychat_digest.in_(bindparam("digests", expanding=True))
    ),
)
