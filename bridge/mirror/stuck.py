"""Outbox rows that Odoo has refused or not taken yet, for the person who asks why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from bridge.mirror.delivery import ERROR, PENDING, Ledger, Outbox
from bridge.mirror.tables import Contact


@dataclass(frozen=True)
class Stuck:
    """One event that has not arrived, and why; no values of it."""

    event_id: str
    manychat_id: str
    type: str | None
    status: str
    parked: bool
    reason: str | None
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None


def parked(session: Session, limit: int, offset: int = 0) -> tuple[list[Stuck], int]:
    """Events that wait for a person, the newest first, and how many there are."""
    fits = and_(Outbox.status == ERROR, Outbox.parked)
    total = session.execute(select(func.count()).select_from(Outbox).where(fits)).scalar_one()
    return _rows(session, fits, limit, offset), total


def last_errors(session: Session, limit: int) -> list[Stuck]:
    """The newest events that failed and are not done, parked ones too."""
    fits = and_(Outbox.status.in_([PENDING, ERROR]), Outbox.reason.is_not(None))
    return _rows(session, fits, limit)


def _rows(session: Session, fits: ColumnElement[bool], limit: int, offset: int = 0) -> list[Stuck]:
    rows = session.execute(
        select(
            Outbox.event_id, Contact.manychat_id, Ledger.type, Outbox.status, Outbox.parked,
            Outbox.reason, Outbox.attempts, Outbox.created_at, Outbox.next_attempt_at,
        )
        .join(Contact, Contact.id == Outbox.contact_id)
        .join(Ledger, Ledger.event_id == Outbox.event_id, isouter=True)
        .where(fits)
        .order_by(Outbox.id.desc())
        .limit(limit)
        .offset(offset)
    )  # fmt: skip
    return [Stuck(*row) for row in rows]
