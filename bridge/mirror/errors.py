"""The translator: the only place that reads the database drivers' errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bridge.errors import AwayError, BridgeError, PermanentError, TransientError

# Numbers of SQL Server and Azure SQL after which the same transaction may succeed.
MSSQL_TRANSIENT = frozenset(
    {926, 4060, 4221, 40197, 40501, 40613, 49918, 49919, 49920, 615, 10928, 10929, 10936, 1205,
     10053, 10054, 10060, 233, 64, 40143, 40540}
)  # fmt: skip
# No event's fault, and the same for every event: login, rights, read-only, no room.
MSSQL_REFUSED = frozenset(
    {18456, 18452, 4064, 229, 230, 262, 297, 300, 916, 3906, 1105, 9002, 40544}
)
MSSQL_NO_TABLE = frozenset({207, 208})
_NUMBER = re.compile(r"\((\d{2,6})\)|\bMsg (\d{2,6})\b")
_PG_TRANSIENT = frozenset({"40001", "40P01", "55P03", "57014"})
_PG_NO_TABLE = frozenset({"42P01", "42703"})
_PG_REFUSED = frozenset({"42501", "25006"})
_SQLITE_BUSY = ("database is locked", "database table is locked")


@contextmanager
def translating() -> Iterator[None]:
    """Raise the bridge's own error for whatever SQLAlchemy raises inside the block."""
    try:
        yield
    except SQLAlchemyError as error:
        # the cause would carry the statement and the driver's text
        raise translated(error) from None


def translated(error: SQLAlchemyError) -> BridgeError:
    """The bridge's error for one of SQLAlchemy's; its detail holds class names and codes only."""
    if isinstance(error, PoolTimeout):
        return AwayError("mirror_pool_exhausted")
    if not isinstance(error, DBAPIError):
        return PermanentError("mirror_statement", type(error).__name__)
    return _from_code(error) or _from_class(error)


def _from_class(error: DBAPIError) -> BridgeError:
    name = type(error.orig).__name__
    if isinstance(error, IntegrityError):
        # two writers met at a unique index: the next try sees the other's row
        return TransientError("mirror_conflict", name)
    if isinstance(error, DataError):
        return PermanentError("mirror_data", name)
    if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
        return AwayError("mirror_away", name)
    if isinstance(error, ProgrammingError):
        # our statement or their schema: no event is to blame for it
        return TransientError("mirror_statement", name)
    return TransientError("mirror_error", name)


def _from_code(error: DBAPIError) -> BridgeError | None:
    text = str(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if state in _PG_TRANSIENT or any(words in text for words in _SQLITE_BUSY):
        return TransientError("mirror_busy", str(state or "sqlite"))
    if state in _PG_NO_TABLE or "no such table" in text or "no such column" in text:
        return AwayError("schema_missing", "run: python -m bridge db upgrade")
    if state in _PG_REFUSED:
        return AwayError("mirror_refused", str(state))
    return _from_mssql_number(text) if _is_odbc(error) else None


def _is_odbc(error: DBAPIError) -> bool:
    return type(error.orig).__module__.startswith("pyodbc")


def _from_mssql_number(text: str) -> BridgeError | None:
    numbers = {int(a or b) for a, b in _NUMBER.findall(text)}
    if MSSQL_NO_TABLE & numbers:
        return AwayError("schema_missing", "run: python -m bridge db upgrade")
    if numbers & MSSQL_REFUSED:
        return AwayError("mirror_refused", str(min(numbers & MSSQL_REFUSED)))
    if numbers & MSSQL_TRANSIENT:
        return TransientError("mirror_busy", str(min(numbers & MSSQL_TRANSIENT)))
    return None
