"""What waits in the mirror, for alarms: cheap enough to be asked every few seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.mirror import pauses
from bridge.mirror.delivery import ERROR, DeadLetter, Inbox, Ledger, Outbox
from bridge.mirror.tables import ContactState
from bridge.mirror.write_back import WriteBack

_LETTERS = 10_000


@dataclass(frozen=True)
class Waiting:
    """Counts; `letters` are hop and reason of dead letters that were not replayed,
    `paused` when each stopped hop was stopped. `untold` and `untellable`: values that ManyChat
    is to have, and those that it never will. `overdue_seconds`: how long the outbox row that is due
    longest has been due, 0 without one.
    """

    outbox: int
    oldest_seconds: float
    parked: int
    inbox: int
    letters: Sequence[tuple[str, str | None]]
    paused: Mapping[str, datetime]
    untold: int = 0
    untellable: int = 0
    overdue_seconds: float = 0.0


def look(session: Session, now: datetime) -> Waiting:
    """What waits at `now`."""
    count, oldest, due = session.execute(
        select(
            func.count(), func.min(Outbox.created_at), func.min(Outbox.next_attempt_at)
        ).where(Outbox.next_attempt_at.is_not(None))
    ).one()  # fmt: skip
    parked = select(func.count()).where(Outbox.status == ERROR, Outbox.parked)
    letters = (
        select(DeadLetter.hop, DeadLetter.reason)
        .where(DeadLetter.replayed_at.is_(None))
        .order_by(DeadLetter.id.desc())
        .limit(_LETTERS)
    )
    untold = select(func.count()).where(WriteBack.next_attempt_at.is_not(None))
    untellable = select(func.count()).where(WriteBack.status == ERROR, WriteBack.parked)
    return Waiting(
        outbox=count,
        oldest_seconds=_since(oldest, now),
        parked=session.execute(parked).scalar_one(),
        inbox=session.execute(select(func.count()).select_from(Inbox)).scalar_one(),
        letters=[(hop, reason) for hop, reason in session.execute(letters)],
        paused=pauses.paused(session),
        untold=session.execute(untold).scalar_one(),
        untellable=session.execute(untellable).scalar_one(),
        overdue_seconds=_since(due, now),
    )


def _since(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0


def sizes(session: Session) -> dict[str, int]:
    """Rows of the tables that grow with the traffic; a scan, so not for every few seconds."""
    tables = (Ledger, Outbox, ContactState)
    return {
        table.__tablename__: session.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables
    }
