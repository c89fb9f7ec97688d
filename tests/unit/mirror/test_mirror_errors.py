"""Each driver error becomes the class that decides what happens next."""

from __future__ import annotations

import pytest
from sqlalchemy import exc

from bridge.errors import AwayError, BridgeError, PermanentError, SettingsError, TransientError
from bridge.mirror.engine import make_engine
from bridge.mirror.errors import MSSQL_REFUSED, MSSQL_TRANSIENT, translated, translating
from bridge.settings import load_settings


class PgError(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__("values of an event")


class OdbcError(Exception):
    """pyodbc's errors carry the server's number in their text."""

    __module__ = "pyodbc"


def of(kind: type[exc.DBAPIError], cause: Exception, lost: bool = False) -> exc.DBAPIError:
    return kind("INSERT", {}, cause, connection_invalidated=lost)


CASES: list[tuple[exc.SQLAlchemyError, type[BridgeError], str]] = [
    (exc.TimeoutError(), AwayError, "mirror_pool_exhausted"),
    (exc.InvalidRequestError(), PermanentError, "mirror_statement"),
    (of(exc.IntegrityError, Exception("UNIQUE")), TransientError, "mirror_conflict"),
    (of(exc.DataError, Exception("too long")), PermanentError, "mirror_data"),
    (of(exc.OperationalError, Exception("refused")), AwayError, "mirror_away"),
    (of(exc.InterfaceError, Exception("closed")), AwayError, "mirror_away"),
    (of(exc.ProgrammingError, Exception("syntax")), TransientError, "mirror_statement"),
    (of(exc.DBAPIError, Exception("cut"), lost=True), AwayError, "mirror_away"),
    (of(exc.InternalError, Exception("odd")), TransientError, "mirror_error"),
    (of(exc.OperationalError, Exception("database is locked")), TransientError, "mirror_busy"),
    (of(exc.OperationalError, Exception("no such table: Contact")), AwayError, "schema_missing"),
    (of(exc.OperationalError, PgError("40001")), TransientError, "mirror_busy"),
    (of(exc.OperationalError, PgError("40P01")), TransientError, "mirror_busy"),
    (of(exc.ProgrammingError, PgError("42P01")), AwayError, "schema_missing"),
    (of(exc.ProgrammingError, PgError("42703")), AwayError, "schema_missing"),
    (of(exc.ProgrammingError, PgError("42501")), AwayError, "mirror_refused"),
    (of(exc.InternalError, PgError("25006")), AwayError, "mirror_refused"),
    (of(exc.ProgrammingError, OdbcError("Invalid column (207)")), AwayError, "schema_missing"),
    (of(exc.ProgrammingError, OdbcError("Invalid object (208)")), AwayError, "schema_missing"),
    *((of(exc.ProgrammingError, OdbcError(f"[S] x ({number})")), AwayError, "mirror_refused")
      for number in sorted(MSSQL_REFUSED)),
    *((of(exc.DBAPIError, OdbcError(f"[S] x ({number})")), TransientError, "mirror_busy")
      for number in sorted(MSSQL_TRANSIENT)),
]  # fmt: skip


@pytest.mark.parametrize(("error", "kind", "code"), CASES)
def test_a_database_error_becomes_the_bridges_own(
    error: exc.SQLAlchemyError, kind: type[BridgeError], code: str
) -> None:
    made = translated(error)
    assert (type(made), made.code) == (kind, code)


def test_the_bridges_error_carries_nothing_of_the_statement() -> None:
    with pytest.raises(BridgeError) as raised, translating():
        raise of(exc.DataError, PgError("22001"))
    assert "values of an event" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("url", ["not a url", "nosuch://host/db"])
def test_an_unusable_database_url_names_the_variable_and_not_its_value(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        make_engine(load_settings(api_key="unused", database_url=url))
    assert "DATABASE_URL" in raised.value.detail
    assert url not in str(raised.value)
