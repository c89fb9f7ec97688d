"""Indexes and keys that a large table gets while others read and write it.

Each is made outside a transaction, so a kill may leave one half-made: the next run drops what
PostgreSQL calls invalid and makes it anew.
"""

from __future__ import annotations

from alembic.operations.ops import CreateIndexOp, CreateUniqueConstraintOp, MigrateOperation
from sqlalchemy import Connection, Dialect, text
from sqlalchemy.schema import AddConstraint, CreateIndex

from bridge.mirror.adopt.ddl import Change
from bridge.mirror.base import Base

ONLINE = {3: "Enterprise", 5: "Azure SQL Database", 8: "Azure SQL Managed Instance"}
"""SQL Server's engine editions that make an index while its table is written to."""

_INVALID = """SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_namespace n ON n.oid = i.relnamespace
    WHERE NOT x.indisvalid AND n.nspname = current_schema()"""
_UNCHECKED = """SELECT t.relname, c.conname
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE c.contype = 'f' AND NOT c.convalidated AND n.nspname = current_schema()"""


def is_apart(change: MigrateOperation, dialect: str) -> bool:
    """Whether the change is made here, and not in a transaction."""
    made_here = isinstance(change, CreateIndexOp | CreateUniqueConstraintOp)
    return made_here and dialect in {"postgresql", "mssql"}


def way(connection: Connection) -> str:
    """How indexes are made on this database, for people."""
    if connection.dialect.name == "postgresql":
        return "CONCURRENTLY: nobody waits"
    if connection.dialect.name != "mssql":
        return "in a transaction"
    edition = _edition(connection)
    if edition in ONLINE:
        return f"WITH (ONLINE = ON), which {ONLINE[edition]} allows: nobody waits"
    return f"offline: engine edition {edition} makes none online, so writers wait for each"


def tidy(connection: Connection) -> list[str]:
    """Drop our indexes that a kill left invalid; their names."""
    if connection.dialect.name != "postgresql":
        return []
    quote = connection.dialect.identifier_preparer.quote
    found = [name for (name,) in connection.execute(text(_INVALID)) if name in _ours()]
    for name in found:
        connection.execute(text(f"DROP INDEX CONCURRENTLY {quote(name)}"))
    return found


def make(connection: Connection, changes: list[Change]) -> None:
    """Make these, each by itself; the connection is in no transaction."""
    online = connection.dialect.name == "mssql" and _edition(connection) in ONLINE
    for _, change in changes:
        if connection.dialect.name == "postgresql":
            _concurrently(connection, change)
        else:
            connection.execute(text(written(change, connection.dialect, online=online)))


def check_references(connection: Connection) -> None:
    """Read the rows behind each new foreign key; PostgreSQL lets others write meanwhile."""
    if connection.dialect.name != "postgresql":
        return
    quote = connection.dialect.identifier_preparer.quote
    for table, name in connection.execute(text(_UNCHECKED)).all():
        if table in Base.metadata.tables:
            what = f"ALTER TABLE {quote(table)} VALIDATE CONSTRAINT {quote(name)}"
            connection.execute(text(what))


def written(change: MigrateOperation, dialect: Dialect, *, online: bool) -> str:
    """SQL Server's statement for this index or unique key."""
    made: CreateIndex | AddConstraint
    if isinstance(change, CreateIndexOp):
        made = CreateIndex(change.to_index())
    elif isinstance(change, CreateUniqueConstraintOp):
        made = AddConstraint(change.to_constraint())
    else:
        raise TypeError(type(change).__name__)
    return str(made.compile(dialect=dialect)) + (" WITH (ONLINE = ON)" if online else "")


def _concurrently(connection: Connection, change: MigrateOperation) -> None:
    if isinstance(change, CreateIndexOp):
        index = change.to_index()
    elif isinstance(change, CreateUniqueConstraintOp):
        columns = [column.name for column in change.to_constraint().columns]
        name = str(change.constraint_name)
        index = CreateIndexOp(name, change.table_name, columns, unique=True).to_index()
    else:
        raise TypeError(type(change).__name__)
    index.dialect_options["postgresql"]["concurrently"] = True
    connection.execute(CreateIndex(index, if_not_exists=True))
    if isinstance(change, CreateUniqueConstraintOp):
        quote = connection.dialect.identifier_preparer.quote
        table, name = quote(change.table_name), quote(name)
        using = f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"
        connection.execute(text(using))


def _edition(connection: Connection) -> int:
    asked = text("SELECT CAST(SERVERPROPERTY('EngineEdition') AS INT)")
    return int(connection.execute(asked).scalar_one())


def _ours() -> set[str]:
    tables = Base.metadata.sorted_tables
    named = [*(i.name for t in tables for i in t.indexes),
             *(c.name for t in tables for c in t.constraints)]  # fmt: skip
    return {str(name) for name in named if name}
