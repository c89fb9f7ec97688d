"""Comparisons of mirror and Odoo: how far the one under way is, and what the last ones found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, false, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from bridge.events.clock import iso
from bridge.mirror.base import Base
from bridge.mirror.items import dumps
from bridge.mirror.types import code, typed

KEEP = 60


class Kind(StrEnum):
    """The classes of differences, by the names that the addon knows them by."""

    MISSING_IN_ODOO = "missing_in_odoo"
    MISSING_IN_MIRROR = "missing_in_mirror"
    OLDER_IN_ODOO = "older_in_odoo"
    OLDER_IN_MIRROR = "older_in_mirror"
    EDITED = "edited_by_person"
    DUPLICATE = "duplicate"


class Reconciliation(Base):
    """One comparison; `finished_at` is empty while it is under way, at `side` behind `after`.

    `counts` and `mended` are JSON objects of contacts by class; `told` says whether Odoo has
    heard of the result.
    """

    __tablename__ = "Reconciliation"

    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    side: Mapped[str] = mapped_column(code(16))
    after: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    checked: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    moving: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    counts: Mapped[str] = mapped_column(typed())
    fixed: Mapped[bool] = mapped_column(default=False, server_default=false())
    mended: Mapped[str] = mapped_column(typed())
    told: Mapped[bool] = mapped_column(default=False, server_default=false())


@dataclass(frozen=True)
class Result:
    """What a comparison found so far: contacts by class. `moving` were left out."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    side: str
    after: int
    checked: int = 0
    moving: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    fixed: bool = False
    mended: Mapping[str, int] = field(default_factory=dict)

    @property
    def open(self) -> dict[str, int]:
        """Contacts of every class that differ still."""
        return {str(k): self.counts.get(k, 0) - self.mended.get(k, 0) for k in Kind}

    @property
    def left(self) -> int:
        return sum(self.open.values())

    def as_dict(self) -> dict[str, Any]:
        """For reports: when it ended, and what it found."""
        return {
            "finished_at": iso(self.finished_at) if self.finished_at else None,
            "checked": self.checked,
            "differences": self.differences,
            **self.counts,
            "fixed": self.fixed,
            "left": self.left,
        }

    @property
    def differences(self) -> int:
        return sum(self.counts.values())


def note_begun(session: Session, side: str, now: datetime, *, fixed: bool = False) -> Result:
    """Note a new comparison, and forget the oldest ones."""
    row = Reconciliation(
        started_at=now, side=side, after=0, checked=0, moving=0, counts="{}", fixed=fixed,
        mended="{}", told=False,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.execute(delete(Reconciliation).where(Reconciliation.id <= row.id - KEEP))
    return _result(row)


def save(session: Session, result: Result) -> None:
    """Keep how far a comparison is, and what it has found."""
    row = session.get(Reconciliation, result.id)
    if row is not None:
        row.side, row.after = result.side, result.after
        row.checked, row.moving = result.checked, result.moving
        row.counts, row.mended = dumps(dict(result.counts)), dumps(dict(result.mended))
        row.finished_at = result.finished_at


def under_way(session: Session) -> Result | None:
    """The comparison that the schedule has begun and not ended; one with `--fix` is no such."""
    read = select(Reconciliation).where(
        Reconciliation.finished_at.is_(None), Reconciliation.fixed == false()
    )
    row = session.execute(read.order_by(Reconciliation.id.desc()).limit(1)).scalar()
    return _result(row) if row else None


def last(session: Session) -> Result | None:
    """The newest comparison that was ended."""
    read = select(Reconciliation).where(Reconciliation.finished_at.is_not(None))
    row = session.execute(read.order_by(Reconciliation.id.desc()).limit(1)).scalar()
    return _result(row) if row else None


def is_due(session: Session, every: timedelta, now: datetime) -> bool:
    """Whether the newest one of the schedule began so long ago; True before the first."""
    read = select(Reconciliation.started_at).order_by(Reconciliation.id.desc()).limit(1)
    started = session.execute(read).scalar()
    return started is None or started + every <= now


def untold(session: Session) -> Result | None:
    """The newest ended one that Odoo has not heard of."""
    read = select(Reconciliation).where(Reconciliation.finished_at.is_not(None))
    row = session.execute(read.order_by(Reconciliation.id.desc()).limit(1)).scalar()
    return _result(row) if row and not row.told else None


def mark_told(session: Session, id: int) -> None:
    """Odoo has heard of this result."""
    row = session.get(Reconciliation, id)
    if row is not None:
        row.told = True


def _result(row: Reconciliation) -> Result:
    return Result(
        row.id, row.started_at, row.finished_at, row.side, row.after, row.checked, row.moving,
        json.loads(row.counts), row.fixed, json.loads(row.mended),
    )  # fmt: skip
