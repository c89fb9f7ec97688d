"""Many rows a statement: reading by keys (SQL Server takes 2,100 parameters), writing in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Delete,
    Integer,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    case,
    delete,
    insert,
    literal_column,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from bridge.mirror.base import Base

MOST_KEYS = 1000


def rows_by(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    column: InstrumentedAttribute[Any],
    keys: Collection[Any],
) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of `statement` whose `column` is one of `keys`; no statement for no keys."""
    for part in in_parts(keys):
        yield from session.execute(statement.where(column.in_(part)))


def insert_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have the same columns, in one statement; none for no rows."""
    if rows:
        # the table's: the model's would be a statement for every set of columns that are None
        session.execute(insert(cast(Table, model.__table__)), rows)


def update_rows(
    session: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    by: Collection[str] = ("id",),
) -> None:
    """Set the columns of the rows that `by` names, in one statement; none for no rows.

    A column that a row does not name keeps its value, whatever other rows say of theirs.
    """
    if not rows:
        return
    table = cast(Table, model.__table__)
    names = sorted({name for row in rows for name in row} - set(by))
    some = [name for name in names if not all(name in row for row in rows)]
    # a parameter that is a column's name would be set, too
    given = [
        {f"the_{key}": row[key] for key in by}
        | {f"has_{name}": int(name in row) for name in some}
        | {f"new_{name}": row.get(name) for name in names}
        for row in rows
    ]
    statement = update(table).where(*(table.c[key] == bindparam(f"the_{key}") for key in by))
    session.execute(statement.values({n: _new(table, n, n in some) for n in names}), given)


def _new(table: Table, name: str, is_sometimes: bool) -> ColumnElement[Any]:
    """The parameter of a column's new value; of one that only some rows have, only theirs."""
    new = bindparam(f"new_{name}", type_=table.c[name].type)
    if not is_sometimes:
        return new
    # not a second parameter: SQL Server cannot tell the type of one that is compared with another
    is_given = bindparam(f"has_{name}", type_=Integer()) == literal_column("1")
    return case((is_given, new), else_=table.c[name])


def delete_rows(
    session: Session, column: InstrumentedAttribute[Any], keys: Collection[Any]
) -> None:
    """Delete the rows whose `column` is one of `keys`."""
    execute_by(session, delete(column.class_), column, keys)


def execute_by(
    session: Session,
    statement: Update | Delete,
    column: InstrumentedAttribute[Any],
    keys: Collection[Any],
) -> None:
    """Execute `statement` on the rows whose `column` is one of `keys`."""
    for part in in_parts(keys):
        session.execute(
            statement.where(column.in_(part)), execution_options={"synchronize_session": False}
        )


def in_parts(keys: Collection[Any], most: int = MOST_KEYS) -> Iterator[Sequence[Any]]:
    """The keys, each once and in order, at most so many at a time."""
    wanted: Sequence[Any] = sorted(set(keys))
    for start in range(0, len(wanted), most):
        yield wanted[start : start + most]
