"""Hops that a person stopped: they take nothing new until they are resumed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from bridge.mirror.delivery import Pause


def pause(session: Session, hop: str, now: datetime) -> None:
    """Stop a hop; one that is stopped stays stopped."""
    if not is_paused(session, hop):
        session.execute(insert(Pause).values(hop=hop, since=now))


def resume(session: Session, hop: str) -> None:
    """Let a hop go on; one that runs runs."""
    session.execute(delete(Pause).where(Pause.hop == hop))


def is_paused(session: Session, hop: str) -> bool:
    return session.execute(select(Pause.hop).where(Pause.hop == hop)).first() is not None


def paused(session: Session) -> dict[str, datetime]:
    """The hops that are stopped, and since when."""
    return {row.hop: row.since for row in session.execute(select(Pause.hop, Pause.since))}
