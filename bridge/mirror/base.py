"""What all tables of the mirror share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, MetaData, text
from sqlalchemy.orm import DeclarativeBase

from bridge.mirror.types import Utc


class Base(DeclarativeBase):
    """Names constraints alike on every database, so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Utc()}


def once(table: str, column: str) -> Index:
    """Unique where set: SQL Server's plain unique index would allow one NULL only."""
    there = text(f"{column} IS NOT NULL")
    return Index(
        f"uq_{table}_{column}", column, unique=True,
        sqlite_where=there, postgresql_where=there, mssql_where=there,
    )  # fmt: skip
