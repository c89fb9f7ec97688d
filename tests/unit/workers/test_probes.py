"""What counts as a mirror that is away."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bridge.errors import AwayError, TransientError
from bridge.mirror.store import Store
from bridge.workers.probes import ask_mirror

NO_TABLES = AwayError("schema_missing")


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def ping(self) -> None:
        raise self.error


@pytest.mark.parametrize("error", [AwayError("mirror_away"), TransientError("mirror_busy")])
def test_a_ping_that_fails_in_any_way_means_away(error: Exception) -> None:
    with pytest.raises(AwayError):
        ask_mirror(Failing(error))  # type: ignore[arg-type]


def test_a_mirror_that_answers_is_there(mirror: Store) -> None:
    ask_mirror(mirror)
    ask_mirror(mirror, TransientError("mirror_conflict"))
    ask_mirror(mirror, NO_TABLES)


def test_a_mirror_whose_tables_are_missing_is_away_until_it_is_migrated(mirror: Store) -> None:
    with mirror.transaction() as session:
        session.execute(text("DELETE FROM bridge_version"))
    with pytest.raises(AwayError, match="db upgrade"):
        ask_mirror(mirror, NO_TABLES)
    ask_mirror(mirror, TransientError("mirror_conflict"))
