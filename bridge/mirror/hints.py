"""The addon's hint that its change feed has news, between the API's process and the worker's."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from bridge.events.clock import iso
from bridge.mirror.delivery import Feed

_HINT = "odoo-hint"


def ring(session: Session, now: datetime) -> None:
    """Note that there is news; a hint that was not heard yet is one with this."""
    values = {"cursor": iso(now), "read_at": now}
    if last(session) is None:
        # two that come here together meet at the primary key; the loser's hint is the winner's
        session.execute(insert(Feed).values(name=_HINT, **values))
    else:
        session.execute(update(Feed).where(Feed.name == _HINT).values(**values))


def last(session: Session) -> str | None:
    """What tells this hint from the one before; None before any."""
    return session.execute(select(Feed.cursor).where(Feed.name == _HINT)).scalar()
