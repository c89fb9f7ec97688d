"""The engine of the mirror's database, with what each kind of database needs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from bridge.errors import SettingsError
from bridge.settings import Settings

# Azure's gateway cuts connections that are idle for 30 minutes.
RECYCLE_SECONDS = 1500
CONNECT_SECONDS = 2
MOST_CONNECTIONS = 50
"""Above every `--concurrency`: a thread that finds none would take the mirror to be away."""
BUSY_MILLISECONDS = 10_000
READING = "bridge_reading"
"""The execution option of connections that only look: on SQLite they keep no writer waiting."""


def make_engine(settings: Settings) -> Engine:
    """The engine that `DATABASE_URL` names; connects to nothing yet.

    Raises SettingsError when the URL cannot be read or its driver is not installed.
    """
    try:
        url = _with_identity(make_url(settings.database_url.get_secret_value()))
        engine = create_engine(url, **_options(url))
    except (ArgumentError, ImportError, ValueError) as error:
        # the cause would show the URL with its password
        raise SettingsError(f"DATABASE_URL: cannot be used ({type(error).__name__})") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _with_identity(url: URL) -> URL:
    """The URL with ODBC's `Authentication` as SQLAlchemy spells it.

    Under another spelling it would ask for `Trusted_Connection` as well, which the driver refuses.
    """
    named = {key: value for key, value in url.query.items() if key.lower() == "authentication"}
    if not named:
        return url
    [how] = named.values()
    return url.difference_update_query(named).update_query_dict({"authentication": how})


def _options(url: URL) -> dict[str, Any]:
    options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": True}
    backend = url.get_backend_name()
    if backend == "sqlite":
        return options | {"connect_args": {"timeout": BUSY_MILLISECONDS / 1000}}
    options |= {"pool_recycle": RECYCLE_SECONDS, "pool_timeout": CONNECT_SECONDS}
    options |= {"max_overflow": MOST_CONNECTIONS}
    if backend == "postgresql":
        return options | {"connect_args": {"connect_timeout": CONNECT_SECONDS}}
    if backend == "mssql":
        return options | _mssql_options(url)
    return options


def _mssql_options(url: URL) -> dict[str, Any]:
    import pyodbc  # noqa: PLC0415  (needs the system's ODBC manager; SQL Server only)

    # ODBC's own pool would hand out connections that the gateway has cut
    pyodbc.pooling = False
    free_tds = any("tds" in str(value).lower() for value in url.query.values())
    return {"fast_executemany": not free_tds, "connect_args": {"timeout": CONNECT_SECONDS}}


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would be a deferred one
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.close()


def _on_sqlite_begin(connection: Any) -> None:
    # two that begin to read and then write would fail at each other
    reading = connection.get_execution_options().get(READING)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
