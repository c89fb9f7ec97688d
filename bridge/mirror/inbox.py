"""The inbox: where an event waits while the queue is away."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from bridge.events.envelope import Envelope
from bridge.mirror.chunks import rows_by
from bridge.mirror.delivery import Inbox


@dataclass(frozen=True)
class Kept:
    """One waiting envelope and the queue it is meant for."""

    id: int
    queue: str
    envelope: Envelope


def keep(session: Session, queue: str, envelope: Envelope, now: datetime) -> None:
    """Keep the envelope; one that waits already is kept once."""
    waiting = select(Inbox.id).where(Inbox.event_id == envelope.id)
    if session.execute(waiting).first() is None:
        row = {"event_id": envelope.id, "queue": queue, "envelope": envelope.dumps(),
               "kept_at": now}  # fmt: skip
        session.execute(insert(Inbox).values(**row))


def oldest(session: Session, limit: int) -> list[Kept]:
    """At most `limit` waiting envelopes in the order in which they came."""
    columns = select(Inbox.id, Inbox.queue, Inbox.envelope).order_by(Inbox.id).limit(limit)
    return [Kept(id, queue, Envelope.loads(text)) for id, queue, text in session.execute(columns)]


def forget(session: Session, ids: Collection[int]) -> None:
    """Remove envelopes that are in their queue now."""
    found = [row.id for row in rows_by(session, select(Inbox.id), Inbox.id, ids)]
    if found:
        session.execute(delete(Inbox).where(Inbox.id.in_(found)))
