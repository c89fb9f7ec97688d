"""A cluster of our own: made, started, filled, stopped, found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from devstack.postgres import Postgres


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("postgres")  # mode 700: as root, `nobody` must get in
    postgres = Postgres(folder / "data", folder / "logs")
    postgres.start()
    yield postgres
    postgres.stop()


def test_a_database_is_made_copied_and_survives_a_restart(postgres: Postgres) -> None:
    url = postgres.createdb("first")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE note (text varchar)")
        connection.execute("INSERT INTO note VALUES ('kept')")
    postgres.createdb("second", template="first")
    postgres.stop()
    postgres.start()
    assert postgres.execute(sql.SQL("SELECT text FROM note"), database="second") == [("kept",)]


def test_a_dump_is_restored_under_another_name(postgres: Postgres, tmp_path: Path) -> None:
    with psycopg.connect(postgres.createdb("dumped")) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'dumped' AS text")
    postgres.dump("dumped", tmp_path / "dump")
    postgres.restore(tmp_path / "dump", "restored")
    assert postgres.execute(sql.SQL("SELECT text FROM note"), database="restored") == [("dumped",)]
    postgres.rename("restored", "renamed")
    assert postgres.has("renamed")
    assert not postgres.has("restored")


def test_a_database_in_use_is_made_anew_all_the_same(postgres: Postgres) -> None:
    with psycopg.connect(postgres.createdb("busy")):
        postgres.createdb("busy")


def test_nobody_gets_in_without_the_password(postgres: Postgres) -> None:
    url = postgres.url().replace(postgres.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)
