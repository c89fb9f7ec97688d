"""The migrations: up, down, equal to the models, and plain T-SQL for SQL Server."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import sqlfluff
from alembic import command
from sqlalchemy import Engine, inspect

from bridge.errors import AwayError
from bridge.events.event import EventType
from bridge.mirror import schema
from bridge.mirror.base import Base
from bridge.mirror.store import Store
from bridge.mirror.tables import Contact
from tests.integration.mirror.conftest import BACKENDS, Mirror, database_url, engine_of


@pytest.fixture(params=BACKENDS)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without tables, left without tables."""
    made = engine_of(database_url(request.param, tmp_path, request))
    at = schema.current_revision(made)
    if at:
        schema.downgrade(made, "base")
    yield made
    schema.upgrade(made)
    made.dispose()


def test_up_and_down_and_up_again_leaves_what_the_models_say(fresh: Engine) -> None:
    assert schema.current_revision(fresh) is None
    schema.upgrade(fresh)
    schema.upgrade(fresh)
    assert schema.is_current(fresh)
    command.check(schema.config(fresh))  # raises where models and tables differ
    schema.downgrade(fresh, "base")
    assert set(inspect(fresh).get_table_names()) <= {schema.VERSION_TABLE}


def test_a_mirror_that_holds_events_keeps_them_on_the_way_down_and_up(fresh: Engine) -> None:
    schema.upgrade(fresh)
    mirror = Mirror(Store(fresh))
    body = {"manychat_id": "MC-1", "campaign_id": "Otoño", "comercial_id": "7", "state": "Nuevo"}
    id = "01975a3e-9c40-7c1e-8f0a-000000000001"
    mirror.deliver(mirror.envelope(EventType.ASSIGNMENT, body, id))
    before = mirror.picture()
    schema.downgrade(fresh, "0001")
    schema.upgrade(fresh)
    assert mirror.picture() == before
    assert before["contacts"]
    assert before["campaigns"]
    with fresh.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


def test_a_database_without_tables_is_away_and_says_what_to_do(fresh: Engine) -> None:
    with pytest.raises(AwayError) as raised, Store(fresh).transaction() as session:
        session.query(Contact.id).first()
    assert raised.value.code == "schema_missing"
    assert "db upgrade" in raised.value.detail


def test_the_migrations_are_t_sql() -> None:
    written = io.StringIO()
    config = schema.config()
    config.attributes["dialect"] = "mssql"
    with redirect_stdout(written):
        config.output_buffer = written
        command.upgrade(config, "head", sql=True)
    text = written.getvalue()
    assert all(f"CREATE TABLE [{table}]" in text for table in Base.metadata.tables)
    assert "NVARCHAR" in text
    statements = [part.strip() for part in text.split("GO") if part.strip()]
    for statement in statements:
        sqlfluff.parse(statement + "\n", dialect="tsql")  # raises where it cannot be parsed
