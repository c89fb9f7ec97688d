"""What the schema lacks, found by comparing it with the models, and how it is brought there.

First everything that no row can stand against (tables, columns, types), then, when the rows fit,
keys, NOT NULL and indexes. What the models do not know stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from alembic.autogenerate import produce_migrations
from alembic.operations import Operations
from alembic.operations.ops import (
    AddColumnOp,
    AlterColumnOp,
    CreateForeignKeyOp,
    CreateIndexOp,
    CreateTableOp,
    CreateUniqueConstraintOp,
    MigrateOperation,
    ModifyTableOps,
)
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Integer, String, inspect, text
from sqlalchemy.types import TypeEngine

from bridge.mirror.base import Base
from bridge.mirror.schema import VERSION_TABLE

_LOCK_WAIT = "5s"
_NAMES = {"uq": "uq_%(table_name)s_%(column_0_name)s"}
_KEYS = (CreateUniqueConstraintOp, CreateForeignKeyOp)
Change = tuple[str, MigrateOperation]


def missing(connection: Connection) -> list[Change]:
    """(table, operation) of everything that the models want and the database has not."""
    options = {"version_table": VERSION_TABLE, "compare_type": _is_other_type}
    context = MigrationContext.configure(connection, opts=options)
    found = produce_migrations(context, Base.metadata).upgrade_ops
    return [] if found is None else list(_flat(found.ops))


def _flat(found: Sequence[MigrateOperation]) -> Iterator[Change]:
    for operation in found:
        if isinstance(operation, ModifyTableOps):
            yield from _flat(operation.ops)
        elif isinstance(operation, CreateTableOp | AddColumnOp | AlterColumnOp | CreateIndexOp):
            yield operation.table_name, operation
        elif isinstance(operation, _KEYS):
            yield _owner(operation), operation


def _owner(operation: MigrateOperation) -> str:
    name = operation.source_table if isinstance(operation, CreateForeignKeyOp) else None
    return str(name or cast(Any, operation).table_name)


def _is_other_type(
    context: MigrationContext,
    _inspected: Any,
    _column: Any,
    there: TypeEngine[Any],
    ours: TypeEngine[Any],
) -> bool | None:
    """A wider column may stay; None leaves the comparison to Alembic."""
    if isinstance(there, String) and isinstance(ours, String):
        narrower = there.length is not None and (ours.length is None or there.length < ours.length)
        kinds = [type.compile(dialect=context.dialect) for type in (there, ours)]
        national = [kind.startswith("N") for kind in kinds]
        return narrower or national == [False, True]
    return False if isinstance(ours, Integer) else None


def early(changes: Sequence[Change], dialect: str) -> list[Change]:
    """What may be done before the rows fit: tables and their indexes, columns, types."""
    new = {table for table, change in changes if isinstance(change, CreateTableOp)}
    return [
        (table, _nullable(change))
        for table, change in changes
        if isinstance(change, CreateTableOp | AddColumnOp)
        or (isinstance(change, CreateIndexOp) and table in new)
        or (_is_typed(change) and dialect != "sqlite")
    ]


def _is_typed(change: MigrateOperation) -> bool:
    return isinstance(change, AlterColumnOp) and change.modify_type is not None


def _nullable(change: MigrateOperation) -> MigrateOperation:
    """The rows have no value yet."""
    if isinstance(change, AddColumnOp):
        column = change.column._copy()
        column.nullable, column.unique = True, None
        return AddColumnOp(change.table_name, column)
    if isinstance(change, AlterColumnOp):
        change.modify_nullable = None
    return change


def late(changes: Sequence[Change]) -> list[Change]:
    """The rest, columns before the keys and indexes that lie on them."""
    order = (AlterColumnOp, CreateUniqueConstraintOp, CreateForeignKeyOp, CreateIndexOp)
    return [pair for kind in order for pair in changes if isinstance(pair[1], kind)]


def apply(connection: Connection, changes: Sequence[Change]) -> None:
    """Do these changes; SQLite, which cannot alter, writes the table anew once for all of them."""
    if connection.dialect.name == "postgresql":
        # a change that waits for somebody's long query would make everybody wait behind it
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'"))
        connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    operations = Operations(MigrationContext.configure(connection))
    anew = connection.dialect.name == "sqlite"
    for table in dict.fromkeys(table for table, _ in changes):
        mine: list[MigrateOperation] = [change for owner, change in changes if owner == table]
        altering = [change for change in mine if isinstance(change, (AlterColumnOp, *_KEYS))]
        if anew and altering:
            with operations.batch_alter_table(table, naming_convention=_NAMES) as batch:
                for one in altering:
                    batch.invoke(cast(Any, one))
            mine = [change for change in mine if change not in altering]
        for change in mine:
            _one(operations, change)


def _one(operations: Operations, change: MigrateOperation) -> None:
    connection = operations.get_bind()
    if isinstance(change, AlterColumnOp) and connection.dialect.name == "mssql":
        _free(operations, change)
    if not (isinstance(change, CreateForeignKeyOp) and connection.dialect.name == "postgresql"):
        operations.invoke(cast(Any, change))
        return
    # a key that is not valid yet is made without reading the table; it is read with no lock held
    change.kw["postgresql_not_valid"] = True
    operations.invoke(change)


def _free(operations: Operations, change: AlterColumnOp) -> None:
    """SQL Server alters no column that an index lies on; the models' own come back after it."""
    for index in inspect(operations.get_bind()).get_indexes(change.table_name):
        if change.column_name in index["column_names"]:
            operations.drop_index(str(index["name"]), table_name=change.table_name)


def unique_ids(connection: Connection) -> list[tuple[str, str | None]]:
    """What keeps `Contact.manychat_id` alone unique: (`index` or `constraint`, name).

    SQL Server's collation takes `abc` for `ABC `, which are two contacts: the digest is unique.
    """
    there = inspect(connection)
    keys = [("constraint", key) for key in there.get_unique_constraints("Contact")]
    named = {key["name"] for _, key in keys}
    indexes = [("index", index) for index in there.get_indexes("Contact")
               if index["unique"] and index["name"] not in named]  # fmt: skip
    return [(kind, key["name"]) for kind, key in [*keys, *indexes]
            if key["column_names"] == ["manychat_id"]]  # fmt: skip


def drop_unique_ids(connection: Connection) -> None:
    """Let two contacts have ids that differ in case or blanks, until they are looked at."""
    operations = Operations(MigrationContext.configure(connection))
    default = _NAMES["uq"] % {"table_name": "Contact", "column_0_name": "manychat_id"}
    for kind, name in unique_ids(connection):
        if kind == "index":
            operations.drop_index(str(name), table_name="Contact")
        elif connection.dialect.name != "sqlite":
            operations.drop_constraint(str(name), "Contact", type_="unique")
        else:
            with operations.batch_alter_table("Contact", naming_convention=_NAMES) as batch:
                batch.drop_constraint(name or default, type_="unique")


def told(change: MigrateOperation) -> str:
    """The change in a few words, for the plan."""
    made: Any = change
    if isinstance(change, CreateTableOp):
        return "new table"
    if isinstance(change, AddColumnOp):
        return f"new column {made.column.name}"
    if isinstance(change, AlterColumnOp):
        null = {True: " NULL", False: " NOT NULL", None: ""}[change.modify_nullable]
        return f"column {change.column_name}:{' type' if _is_typed(change) else ''}{null}"
    kind = type(change).__name__.removeprefix("Create").removesuffix("Op")
    name = made.index_name if isinstance(change, CreateIndexOp) else made.constraint_name
    return f"new {kind} {name}"
