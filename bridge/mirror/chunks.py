"""Many rows a statement: reading by keys (SQL Server takes 2,100 parameters), writing in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Delete, Row, Select, Table, Update, bindparam, delete, insert, update
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
        # without it, every other set of columns that are None is a statement of its own
        session.execute(insert(model), rows, execution_options={"render_nulls": True})


def update_rows(
    session: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    by: Collection[str] = ("id",),
) -> None:
    """Set the columns of the rows that `by` names: one statement for each set of columns."""
    table = cast(Table, model.__table__)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        names = tuple(sorted(row.keys() - set(by)))
        # a parameter that is a column's name would be set, too
        wanted = {f"the_{key}": row[key] for key in by}
        groups.setdefault(names, []).append(wanted | {name: row[name] for name in names})
    for names, same in groups.items():
        statement = update(table).where(*(table.c[key] == bindparam(f"the_{key}") for key in by))
        session.execute(statement.values({name: bindparam(name) for name in names}), same)


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
