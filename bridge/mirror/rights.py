"""Whether the login may do with the mirror's tables what the road does; nothing is changed."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Executable, Table, delete, false, insert, make_url, select, update

from bridge.errors import AwayError, BridgeError
from bridge.mirror.base import Base
from bridge.mirror.store import Store
from bridge.settings import Settings

# what grants do not mend
_NO_REFUSALS = {"schema_missing", "mirror_away", "mirror_busy", "mirror_pool_exhausted"}


def exercise(store: Store) -> int:
    """Read, insert, update and delete no row of every table; how many tables there are.

    Raises AwayError (`mirror_no_write`) with the table and what it refuses, and what the
    database answers when it is away or busy.
    """
    tables = Base.metadata.sorted_tables
    for table in tables:
        for verb, statement in _statements(table).items():
            try:
                with store.reading() as session:
                    session.execute(statement)
            except BridgeError as error:
                if error.code in _NO_REFUSALS:
                    raise
                detail = f"{verb} {table.name}: {error.code}"
                raise AwayError("mirror_no_write", detail) from None
    return len(tables)


def _statements(table: Table) -> dict[str, Executable]:
    plain = [column for column in table.columns if not column.primary_key]
    columns = plain or list(table.columns)
    # an identity column takes no value, not even its own
    nothing = select(*columns).where(false())
    return {
        "SELECT": nothing,
        "INSERT": insert(table).from_select([column.name for column in columns], nothing),
        "UPDATE": update(table).values({columns[0].name: columns[0]}).where(false()),
        "DELETE": delete(table).where(false()),
    }


def host_of(settings: Settings) -> str | None:
    """The database's host; None for a file."""
    return make_url(settings.database_url.get_secret_value()).host


def driver_of(settings: Settings) -> str:
    """The driver that the URL asks for, if it is there.

    Raises AwayError (`driver_missing`), SettingsError for a URL that cannot be used.
    """
    url = make_url(settings.database_url.get_secret_value())
    if url.get_backend_name() != "mssql":
        Store.from_settings(settings).close()
        return url.drivername
    try:
        import pyodbc  # noqa: PLC0415  (SQL Server only)
    except ImportError:
        raise AwayError("driver_missing", "the system's unixodbc") from None
    wanted = str(url.query.get("driver", "")).strip("{}")
    there = Path(wanted).is_file() if wanted.startswith("/") else wanted in pyodbc.drivers()
    if not there:
        raise AwayError("driver_missing", wanted or "no driver is named")
    return wanted
