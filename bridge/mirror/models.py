"""Every table but the tombstones': the metadata knows only what somebody has imported."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table

from bridge.mirror import (  # noqa: F401  (they fill the metadata)
    delivery,
    quarantine,
    reconciliations,
    write_back,
    write_back_setup,
)
from bridge.mirror.base import Base
from bridge.mirror.tables import Contact


def owned_tables() -> list[Table]:
    """Every table whose rows belong to a contact; those that point at others come first."""
    contact = cast(Table, Contact.__table__)
    return [table for table in reversed(Base.metadata.sorted_tables)
            if any(key.column.table is contact for key in table.foreign_keys)]  # fmt: skip
