"""What is forgotten in the end: ledger, outbox and dead letters, in slices. History stays."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bridge.mirror.chunks import delete_rows, rows_by
from bridge.mirror.contacts import lock_known
from bridge.mirror.delivery import SUCCESS, DeadLetter, Ledger, Outbox
from bridge.mirror.tables import Contact


def forget_events(session: Session, before: datetime, limit: int) -> int:
    """Delete at most `limit` events from ledger and outbox; how many.

    Those received and mirrored before then, of which Odoo has the last word: what waits or is
    parked stays. A worker gives up what is older than its horizon, so none is applied again.
    """
    old = (
        select(Ledger.id, Ledger.event_id, Contact.manychat_id)
        .join(Contact, Contact.id == Ledger.contact_id)
        .join(Outbox, Outbox.event_id == Ledger.event_id, isouter=True)
        .where(
            Ledger.mirrored_at < before,
            Ledger.received_at < before,
            or_(Outbox.id.is_(None), Outbox.status == SUCCESS),
        )
    )
    found = session.execute(old.order_by(Ledger.mirrored_at).limit(limit)).all()
    # a replay may be taking one of these rows over just now
    lock_known(session, {row.manychat_id for row in found})
    still = list(rows_by(session, old, Ledger.id, [row.id for row in found]))
    delete_rows(session, Outbox.event_id, [row.event_id for row in still])
    delete_rows(session, Ledger.id, [row.id for row in still])
    return len(still)


def forget_letters(session: Session, before: datetime, limit: int) -> int:
    """Delete at most `limit` dead letters that were given up before then; how many."""
    old = select(DeadLetter.id).where(DeadLetter.dead_at < before)
    ids = list(session.execute(old.order_by(DeadLetter.dead_at).limit(limit)).scalars())
    delete_rows(session, DeadLetter.id, ids)
    return len(ids)
