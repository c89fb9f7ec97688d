"""How far something was read that is read piece by piece: Odoo's change feed, a file."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from bridge.mirror.delivery import Feed


def position(session: Session, name: str) -> str | None:
    """The feed's cursor; None before the first time."""
    return session.execute(select(Feed.cursor).where(Feed.name == name)).scalar()


def advance(session: Session, name: str, before: str | None, after: str, now: datetime) -> bool:
    """Move the cursor; False if another reader moved it meanwhile."""
    values = {"cursor": after, "read_at": now}
    if before is None and position(session, name) is None:
        # two that come here together meet at the primary key; the loser's transaction fails
        session.execute(insert(Feed).values(name=name, **values))
        return True
    moved = session.execute(
        update(Feed).where(Feed.name == name, Feed.cursor == before).values(**values)
    )
    return bool(moved.rowcount)  # type: ignore[attr-defined]
