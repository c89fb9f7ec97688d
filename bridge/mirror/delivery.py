"""The tables that delivery stands on: ledger, outbox, inbox, dead letters, leases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from bridge.mirror.base import Base
from bridge.mirror.types import code, typed

PENDING, SUCCESS, ERROR = "pending", "success", "error"


class Ledger(Base):
    """Every event that was applied, once: what makes a second delivery a no-op.

    `payload` is the raw body and `said` the cleaned values, both JSON; the body is `{}` where the
    event was put together from its facts. `scrubs` lists `field: code`, comma separated.
    """

    __tablename__ = "Ledger"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(code(36), unique=True)
    revision: Mapped[int]
    type: Mapped[str] = mapped_column(code(16))
    contact_id: Mapped[int] = mapped_column(ForeignKey("Contact.id"), index=True)
    clock: Mapped[str] = mapped_column(code(160))
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    mirrored_at: Mapped[datetime] = mapped_column(index=True)
    payload: Mapped[str] = mapped_column(typed())
    said: Mapped[str] = mapped_column(typed())
    scrubs: Mapped[str | None] = mapped_column(typed())


class Outbox(Base):
    """Events on their way to Odoo; `body` is the JSON that `manychat_sync` takes.

    `next_attempt_at` is empty once there is none: the row is done, or parked for a person.
    """

    __tablename__ = "Outbox"
    __table_args__ = (
        Index("ix_Outbox_due", "next_attempt_at", "id", "contact_id"),
        Index("ix_Outbox_status", "status", "parked"),
        Index("ix_Outbox_synced_at", "synced_at"),
        Index(
            "ix_Outbox_unmapped",
            "event_id",
            sqlite_where=text("unmapped = 1"),
            postgresql_where=text("unmapped"),
            mssql_where=text("unmapped = 1"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(code(36), unique=True)
    revision: Mapped[int]
    contact_id: Mapped[int] = mapped_column(ForeignKey("Contact.id"), index=True)
    clock: Mapped[str] = mapped_column(code(160))
    body: Mapped[str] = mapped_column(typed())
    status: Mapped[str] = mapped_column(code(16))
    parked: Mapped[bool] = mapped_column(default=False, server_default=false())
    unmapped: Mapped[bool] = mapped_column(default=False, server_default=false())
    outcome: Mapped[str | None] = mapped_column(code(16))
    reason: Mapped[str | None] = mapped_column(typed(255))
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    synced_at: Mapped[datetime | None]


class Inbox(Base):
    """Events that arrived while the queue was away; fed to it later, oldest first."""

    __tablename__ = "Inbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(code(36), unique=True)
    queue: Mapped[str] = mapped_column(code(63))
    envelope: Mapped[str] = mapped_column(typed())
    kept_at: Mapped[datetime]


class DeadLetter(Base):
    """What could not go on: the raw payload, and why it stopped at which hop.

    `replayed_at` is empty again when the replay, too, could not go on.
    """

    __tablename__ = "Dead_Letter"
    __table_args__ = (UniqueConstraint("event_id", "hop"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(code(64))
    hop: Mapped[str] = mapped_column(code(64))
    type: Mapped[str] = mapped_column(code(16))
    revision: Mapped[int]
    attempts: Mapped[int]
    reason: Mapped[str | None] = mapped_column(typed())
    payload: Mapped[str] = mapped_column(typed())
    received_at: Mapped[datetime]
    dead_at: Mapped[datetime] = mapped_column(index=True)
    replayed_at: Mapped[datetime | None]


class Pace(Base):
    """When the next call of a kind may be made, over all processes: the rate limit."""

    __tablename__ = "Pace"

    name: Mapped[str] = mapped_column(code(40), primary_key=True)
    next_at: Mapped[datetime]


class Pause(Base):
    """A hop that a person stopped, and since when."""

    __tablename__ = "Pause"

    hop: Mapped[str] = mapped_column(code(40), primary_key=True)
    since: Mapped[datetime]


class Feed(Base):
    """How far a feed was read; `cursor` is what its last answer gave."""

    __tablename__ = "Feed"

    name: Mapped[str] = mapped_column(code(40), primary_key=True)
    cursor: Mapped[str] = mapped_column(code(100))
    read_at: Mapped[datetime]


class Lease(Base):
    """Who does a job that only one may do at a time, and until when."""

    __tablename__ = "Lease"

    name: Mapped[str] = mapped_column(code(40), primary_key=True)
    holder: Mapped[str | None] = mapped_column(typed(100))
    until: Mapped[datetime]
