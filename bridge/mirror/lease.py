"""Leases: one holder of a job at a time, over all processes and machines."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from bridge.mirror.delivery import Lease


def acquire(session: Session, name: str, holder: str, now: datetime, seconds: float) -> bool:
    """Take or renew the lease until `now` + `seconds`; False while somebody else holds it."""
    until = now + timedelta(seconds=seconds)
    free = or_(Lease.holder == holder, Lease.holder.is_(None), Lease.until <= now)
    taken = session.execute(
        update(Lease).where(Lease.name == name, free).values(holder=holder, until=until)
    )
    if taken.rowcount:  # type: ignore[attr-defined]
        return True
    if session.execute(select(Lease.name).where(Lease.name == name)).first():
        return False
    # two that come here together meet at the primary key; the loser's transaction fails
    session.execute(insert(Lease).values(name=name, holder=holder, until=until))
    return True


def release(session: Session, name: str, holder: str) -> None:
    """Give the lease back if it is this holder's."""
    session.execute(
        update(Lease).where(Lease.name == name, Lease.holder == holder).values(holder=None)
    )
