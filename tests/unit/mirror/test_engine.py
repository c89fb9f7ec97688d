"""What every connection to the mirror has, by kind of database."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from bridge.mirror.engine import RECYCLE_SECONDS, make_engine
from bridge.settings import load_settings

GATEWAY_SECONDS = 1800
DRIVER = "driver=ODBC+Driver+18+for+SQL+Server"
URLS = {
    "sqlite": "sqlite://",
    "postgresql": "postgresql://me:secret@db.example/mirror",
    "mssql": f"mssql+pyodbc://me:secret@db.example/mirror?{DRIVER}",
    "managed identity": f"mssql+pyodbc://db.example/mirror?{DRIVER}"
    "&Authentication=ActiveDirectoryMsi",
}


def made(url: str) -> Engine:
    """The engine; SQL Server's driver is a stand-in, since its manager may not be installed."""
    return make_engine(load_settings(api_key="x", database_url=url, _env_file=None))


@pytest.fixture
def pyodbc(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    driver = SimpleNamespace(
        paramstyle="qmark", version="5.5.0", pooling=True, Error=Exception, Cursor=object
    )
    monkeypatch.setitem(sys.modules, "pyodbc", driver)
    return driver


@pytest.mark.parametrize("kind", URLS)
@pytest.mark.usefixtures("pyodbc")
def test_no_error_shows_parameters_and_no_dead_connection_is_used(kind: str) -> None:
    engine = made(URLS[kind])
    assert engine.hide_parameters
    assert engine.pool._pre_ping
    if kind != "sqlite":
        assert 0 < engine.pool._recycle == RECYCLE_SECONDS < GATEWAY_SECONDS


def test_a_failed_statement_does_not_tell_its_values() -> None:
    engine = made("sqlite://")
    with engine.connect() as connection, pytest.raises(OperationalError) as raised:
        connection.exec_driver_sql("SELECT * FROM nothing WHERE name = ?", ("Rosa Huamán",))
    assert "Rosa" not in str(raised.value)


def test_sql_server_pools_here_alone_and_writes_in_bulk(pyodbc: SimpleNamespace) -> None:
    engine = made(URLS["mssql"])
    assert pyodbc.pooling is False
    assert engine.dialect.fast_executemany  # type: ignore[attr-defined]
    free = made(f"{URLS['mssql']}".replace("ODBC+Driver+18+for+SQL+Server", "FreeTDS"))
    assert not free.dialect.fast_executemany  # type: ignore[attr-defined]


@pytest.mark.usefixtures("pyodbc")
def test_a_managed_identity_needs_no_password_in_the_url() -> None:
    engine = made(URLS["managed identity"])
    [text], _options = engine.dialect.create_connect_args(engine.url)
    assert "Authentication=ActiveDirectoryMsi" in text
    assert "PWD" not in text
    assert "Trusted_Connection" not in text
