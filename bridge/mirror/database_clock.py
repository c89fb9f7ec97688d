"""The one clock that all workers share: the database's."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_NOW = {
    "mssql": "SELECT SYSUTCDATETIME()",
    "postgresql": "SELECT CAST(clock_timestamp() AT TIME ZONE 'UTC' AS timestamp)",
}


def database_now(session: Session) -> datetime:
    """The aware time by the database's clock.

    Leases and due times are told and compared by it, so that a machine whose clock is wrong
    neither takes a lease early nor holds one for ever. SQLite's machine is our own.
    """
    statement = _NOW.get(session.get_bind().dialect.name)
    if statement is None:
        return datetime.now(UTC)
    moment: datetime = session.execute(text(statement)).scalar_one()
    return moment.replace(tzinfo=UTC)
