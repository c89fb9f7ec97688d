"""What `db adopt` executes is plain T-SQL too: its statements, and its changes of the schema."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest
import sqlfluff
from alembic.operations import Operations
from alembic.operations.ops import AlterColumnOp
from alembic.runtime.migration import MigrationContext
from sqlalchemy import ClauseElement, DDLElement, Engine, TextClause, create_engine, event
from sqlalchemy.dialects import mssql

from bridge.mirror.adopt import ddl
from bridge.mirror.adopt.indexes import is_apart, way, written
from bridge.mirror.adopt.plan import look
from bridge.mirror.adopt.run import Adopter
from bridge.mirror.store import Store
from devstack.predecessor import build
from tests.integration.mirror.conftest import NOW, engine_of
from tests.integration.mirror.test_tsql import compiled


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    plain = create_engine(url)
    build(plain, 240, keys=True)
    plain.dispose()
    made = engine_of(url)
    yield made
    made.dispose()


def test_every_statement_of_an_adoption_is_t_sql(old: Engine) -> None:
    seen: set[str] = set()

    def note(_connection: Any, statement: Any, many: Any, one: Any, _options: Any) -> None:
        if isinstance(statement, ClauseElement) and not isinstance(
            statement, DDLElement | TextClause
        ):
            seen.add(compiled(statement, list(many) or ([dict(one)] if one else [])))

    event.listen(old, "before_execute", note)
    with Store(old).transaction() as session:
        look(session)
    adopter = Adopter(Store(old), UTC, lambda: NOW, lambda _line: None)
    adopter.run()
    adopter.push()
    assert {statement.split()[0] for statement in seen} == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    for statement in sorted(seen):
        sqlfluff.parse(statement + "\n", dialect="tsql")


def test_every_change_of_the_schema_is_t_sql(old: Engine) -> None:
    with old.connect() as connection:
        changes = ddl.missing(connection)
    buffer = io.StringIO()
    options = {"as_sql": True, "output_buffer": buffer}
    context = MigrationContext.configure(dialect_name="mssql", opts=options)
    operations = Operations(context)
    steps = [*ddl.early(changes, "mssql"), *ddl.late(changes)]
    for _table, change in steps:
        operations.invoke(cast(Any, change))
    text = buffer.getvalue()
    assert "ALTER TABLE [Contact] ADD manychat_digest BINARY(32) NULL" in text
    assert "ALTER COLUMN manychat_digest" not in text  # new here: only a later look sees it NULL
    assert "UNIQUE (contact_id)" in text
    for statement in filter(None, (part.strip() for part in text.split("GO"))):
        sqlfluff.parse(statement + "\n", dialect="tsql")


@pytest.mark.parametrize("online", [True, False])
def test_every_index_is_made_online_where_the_edition_allows_it(old: Engine, online: bool) -> None:
    with old.connect() as connection:
        changes = [one for _, one in ddl.late(ddl.missing(connection)) if is_apart(one, "mssql")]
    texts = [written(change, mssql.dialect(), online=online) for change in changes]
    assert {text.split()[0] for text in texts} == {"CREATE", "ALTER"}
    for text in texts:
        assert text.endswith(" WITH (ONLINE = ON)") is online
        sqlfluff.parse(text + "\n", dialect="tsql")


@pytest.mark.parametrize(("edition", "told"), [(5, "ONLINE = ON"), (3, "ONLINE"), (2, "offline")])
def test_the_edition_decides_and_is_told(edition: int, told: str) -> None:
    connection = Mock()
    connection.dialect.name = "mssql"
    connection.execute.return_value.scalar_one.return_value = edition
    assert told in way(connection)


def test_types_come_before_the_rows_and_not_null_after_them(old: Engine) -> None:
    with old.connect() as connection:
        changes = ddl.missing(connection)
    nulls = [change.modify_nullable for _, change in ddl.late(changes)
             if isinstance(change, AlterColumnOp)]  # fmt: skip
    assert False in nulls
    early = [change for _, change in ddl.early(changes, "mssql")
             if isinstance(change, AlterColumnOp)]  # fmt: skip
    assert {change.modify_nullable for change in early} == {None}
