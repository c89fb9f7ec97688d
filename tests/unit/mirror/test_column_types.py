"""What the columns make of times and long texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import mssql, sqlite

from bridge.mirror.types import Utc, typed

MSSQL = mssql.dialect()  # type: ignore[no-untyped-call]
LIMA = timezone(timedelta(hours=-5))


def test_a_time_of_any_zone_is_stored_as_utc_and_comes_back_aware() -> None:
    moment = datetime(2025, 10, 20, 17, 41, 0, 123456, tzinfo=LIMA)
    stored = Utc().process_bind_param(moment, sqlite.dialect())
    assert stored == datetime(2025, 10, 20, 22, 41, 0, 123456)  # noqa: DTZ001  (what a column holds)
    assert Utc().process_result_value(stored, sqlite.dialect()) == moment.astimezone(UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Utc().process_bind_param(datetime(2025, 10, 20), sqlite.dialect())  # noqa: DTZ001


def test_sql_server_keeps_microseconds_and_every_character() -> None:
    assert Utc().load_dialect_impl(MSSQL).compile(MSSQL) == "DATETIME2(6)"
    assert typed().compile(MSSQL) == "NVARCHAR(max)"
    assert typed(255).compile(MSSQL) == "NVARCHAR(255)"
