"""What an adopted database held that the mirror cannot hold: moved here, never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import false, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bridge.mirror.base import Base
from bridge.mirror.chunks import insert_rows
from bridge.mirror.items import dumps
from bridge.mirror.types import code, digest, typed


class Quarantine(Base):
    """One row as it was found, as JSON; `moved` is False where only a value of it was taken out.

    `manychat_digest` tells whose it is, where that is known, so that an erasure finds it.
    """

    __tablename__ = "Quarantine"

    id: Mapped[int] = mapped_column(primary_key=True)
    table_name: Mapped[str] = mapped_column(code(64))
    row_id: Mapped[int | None]
    reason: Mapped[str] = mapped_column(code(40))
    moved: Mapped[bool] = mapped_column(default=False, server_default=false())
    manychat_digest: Mapped[bytes | None] = mapped_column(digest(), index=True)
    row: Mapped[str] = mapped_column(typed())
    kept_at: Mapped[datetime]


class Adoption(Base):
    """A step of `db adopt` that is done, or a number that its end must add up to."""

    __tablename__ = "Adoption"

    step: Mapped[str] = mapped_column(code(80), primary_key=True)
    counted: Mapped[int]
    done_at: Mapped[datetime]


def keep(
    session: Session,
    table: str,
    reason: str,
    rows: Iterable[Mapping[str, Any]],
    now: datetime,
    *,
    moved: bool = True,
    owners: Mapping[Any, bytes] = MappingProxyType({}),
) -> None:
    """Write rows of `table` into the quarantine; the caller takes them out of their table.

    `owners` has the ManyChat id's digest of the rows (by id) that are known to be somebody's.
    """
    insert_rows(
        session,
        Quarantine,
        [
            {
                "table_name": table,
                "row_id": row.get("id"),
                "reason": reason,
                "moved": moved,
                "manychat_digest": owners.get(row.get("id")),
                "row": dumps({key: _as_json(value) for key, value in row.items()}),
                "kept_at": now,
            }
            for row in rows
        ],
    )


def moved_by_table(session: Session) -> dict[str, dict[str, int]]:
    """How many rows were moved out of each table, by reason."""
    found: dict[str, dict[str, int]] = {}
    columns = (Quarantine.table_name, Quarantine.reason, func.count())
    grouped = select(*columns).where(Quarantine.moved).group_by(*columns[:2])
    for table, reason, number in session.execute(grouped):
        found.setdefault(table, {})[reason] = number
    return found


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value
