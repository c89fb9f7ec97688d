"""Numbers about the mirror for people; every function only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.mirror.delivery import Ledger, Outbox
from bridge.mirror.tables import Channel, Contact, ContactState

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
_MOST_NAMES = 100
_MOST_ROWS = 5000


@dataclass(frozen=True)
class Lag:
    """Seconds that the newest events took; None without any."""

    median: float | None
    worst: float | None


@dataclass(frozen=True)
class Statistics:
    """Counts by name; `…_24h` are those of the last day."""

    contacts_by_channel: dict[str, int]
    contacts_by_stage: dict[str, int]
    contacts_by_sync_status: dict[str, int]
    states: dict[str, int]
    unmapped_states: dict[str, int]
    events_24h: dict[str, int]
    events_last_hour: int
    lag_to_mirror: Lag
    lag_to_odoo: Lag
    scrubbed_fields_24h: dict[str, int]


def statistics(session: Session, now: datetime) -> Statistics:
    """Everything at once; names beyond the hundred most frequent are left out."""
    states, since = ContactState.state, now - DAY
    # not joined: SQLite would look up the outbox row of every state there is
    in_doubt = select(Outbox.event_id).where(Outbox.unmapped)
    unmapped = select(states, func.count()).where(ContactState.event_id.in_(in_doubt))
    channels = select(Channel.name, func.count(Contact.id)).join(
        Contact, Contact.channel_id == Channel.id
    )
    day = select(Ledger.type, func.count()).where(Ledger.mirrored_at >= since)
    hour = select(func.count()).select_from(Ledger).where(Ledger.mirrored_at >= now - HOUR)
    return Statistics(
        contacts_by_channel=_counted(session, channels, Channel.name),
        contacts_by_stage=_of_contacts(session, Contact.odoo_stage),
        contacts_by_sync_status=_of_contacts(session, Contact.odoo_sync_status),
        states=_counted(session, select(states, func.count()), states),
        unmapped_states=_counted(session, unmapped, states),
        events_24h=_counted(session, day, Ledger.type),
        events_last_hour=session.execute(hour).scalar_one(),
        lag_to_mirror=_lag(session, Ledger.received_at, Ledger.mirrored_at, since),
        lag_to_odoo=_lag(session, Outbox.created_at, Outbox.synced_at, since),
        scrubbed_fields_24h=_scrubs(session, since),
    )


def _of_contacts(session: Session, column: Any) -> dict[str, int]:
    return _counted(session, select(column, func.count()).where(column.is_not(None)), column)


def _counted(session: Session, statement: Any, name: Any) -> dict[str, int]:
    rows = session.execute(
        statement.group_by(name).order_by(func.count().desc(), name).limit(_MOST_NAMES)
    )
    return dict(tuple(row) for row in rows)


def _lag(session: Session, start: Any, end: Any, since: datetime) -> Lag:
    rows = session.execute(
        select(start, end).where(end >= since).order_by(end.desc()).limit(_MOST_ROWS)
    )
    return lag_of(sorted((done - began).total_seconds() for began, done in rows))


def lag_of(seconds: Sequence[float]) -> Lag:
    """The median (the upper one of two) and the worst of ascending seconds."""
    if not seconds:
        return Lag(None, None)
    return Lag(round(seconds[len(seconds) // 2], 3), round(seconds[-1], 3))


def _scrubs(session: Session, since: datetime) -> dict[str, int]:
    rows = session.execute(
        select(Ledger.scrubs)
        .where(Ledger.mirrored_at >= since, Ledger.scrubs.is_not(None))
        .order_by(Ledger.mirrored_at.desc())
        .limit(_MOST_ROWS)
    )
    found = Counter(text for (scrubs,) in rows for text in (scrubs or "").split(", "))
    return dict(found.most_common(_MOST_NAMES))
