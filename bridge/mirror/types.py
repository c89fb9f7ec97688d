"""Column types that mean the same on SQLite, PostgreSQL and SQL Server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, LargeBinary, String, Unicode, UnicodeText
from sqlalchemy.dialects import mssql
from sqlalchemy.types import TypeDecorator, TypeEngine

_BINARY_COLLATION = "Latin1_General_100_BIN2"


class Utc(TypeDecorator[datetime]):
    """Aware datetimes, stored as naive UTC with microseconds."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "mssql":
            return dialect.type_descriptor(mssql.DATETIME2(precision=6))  # type: ignore[no-untyped-call]
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def code(length: int) -> TypeEngine[str]:
    """ASCII text of our own making, compared bytewise also where the database ignores case."""
    return String(length).with_variant(mssql.VARCHAR(length, collation=_BINARY_COLLATION), "mssql")


def digest() -> TypeEngine[bytes]:
    """A SHA-256 digest."""
    return LargeBinary(32).with_variant(mssql.BINARY(32), "mssql")


def typed(length: int | None = None) -> TypeEngine[str]:
    """Text that a person or ManyChat wrote: NVARCHAR on SQL Server."""
    if length is None:
        # the dialect alone would take NTEXT where it cannot ask the server's version
        return UnicodeText().with_variant(mssql.NVARCHAR(), "mssql")
    return Unicode(length)
