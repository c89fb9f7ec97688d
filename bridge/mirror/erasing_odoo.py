"""The erasures that Odoo still owes: kept until it has done them, however long it is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bridge.mirror.tombstones import Erasure

_FIRST_RETRY = timedelta(seconds=15)
_LONGEST_RETRY = timedelta(hours=1)
_REASON_LIMIT = 255


@dataclass(frozen=True)
class Owed:
    """One erasure that Odoo has to do: everything of this contact received up to then."""

    id: int
    manychat_id: str
    erased_at: datetime
    attempts: int


def due(session: Session, now: datetime, limit: int) -> list[Owed]:
    """At most `limit` of them, the longest due first."""
    rows = session.execute(
        select(Erasure.id, Erasure.manychat_id, Erasure.erased_at, Erasure.attempts)
        .where(Erasure.next_attempt_at <= now)
        .order_by(Erasure.next_attempt_at)
        .limit(limit)
    )
    return [Owed(id, manychat_id or "", at, tried) for id, manychat_id, at, tried in rows]


def record_done(session: Session, owed: Owed, now: datetime) -> None:
    """Forget the id: the digest stays. One that was erased again meanwhile stays owed."""
    session.execute(
        update(Erasure)
        .where(Erasure.id == owed.id, Erasure.erased_at == owed.erased_at)
        .values(manychat_id=None, next_attempt_at=None, reason=None, done_at=now)
    )


def record_failure(session: Session, failed: Sequence[Owed], reason: str, now: datetime) -> None:
    """Try these again later, with waits that grow up to an hour; for ever, since they are owed."""
    for owed in failed:
        wait = min(_FIRST_RETRY * 2 ** min(owed.attempts, 10), _LONGEST_RETRY)
        session.execute(
            update(Erasure)
            .where(Erasure.id == owed.id, Erasure.erased_at == owed.erased_at)
            .values(
                attempts=owed.attempts + 1,
                reason=reason[:_REASON_LIMIT],
                next_attempt_at=now + wait,
            )
        )
