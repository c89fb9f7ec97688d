"""The rate limit that all workers share: when the next call may be made."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from bridge.errors import BusyError
from bridge.mirror.delivery import Pace

ODOO_CALLS = "odoo-calls"


def take_turn(
    session: Session, name: str, per_second: float, now: datetime, most: float | None = None
) -> float:
    """Take the next free turn of that kind of call; seconds to wait for it from `now`.

    Turns are `1 / per_second` apart, whoever takes them: no second ever has more. Raises
    BusyError, taking none, where the next one is more than `most` seconds away.
    """
    space = timedelta(seconds=1 / per_second)
    locked = (
        select(Pace.next_at)
        .where(Pace.name == name)
        .with_for_update()
        # SQL Server has no FOR UPDATE
        .with_hint(Pace, "WITH (UPDLOCK, ROWLOCK)", "mssql")
    )
    next_at = session.execute(locked).scalar()
    turn = max(now, next_at or now)
    seconds = (turn - now).total_seconds()
    if most is not None and seconds > most:
        raise BusyError("odoo_turns_taken", f"{seconds:.1f} s", retry_after=seconds)
    if next_at is None:
        # two that make the row together meet at the primary key; the loser's transaction fails
        session.execute(insert(Pace).values(name=name, next_at=turn + space))
    else:
        session.execute(update(Pace).where(Pace.name == name).values(next_at=turn + space))
    return seconds


def hold(session: Session, name: str, until: datetime) -> None:
    """Let nobody do anything of that kind before `until`; a longer hold stays."""
    held = held_until(session, name)
    if held is None:
        session.execute(insert(Pace).values(name=name, next_at=until))
    elif held < until:
        session.execute(update(Pace).where(Pace.name == name).values(next_at=until))


def held_until(session: Session, name: str) -> datetime | None:
    """Until when that kind is held, also if that is past; None if it never was."""
    return session.execute(select(Pace.next_at).where(Pace.name == name)).scalar()


def let_go(session: Session, name: str, now: datetime) -> None:
    """End a hold."""
    session.execute(update(Pace).where(Pace.name == name, Pace.next_at > now).values(next_at=now))
