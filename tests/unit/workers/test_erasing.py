"""Erasures into Odoo: done once it answers, owed until then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.errors import AwayError
from bridge.mirror import erasures
from bridge.mirror.engine import make_engine
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.settings import load_settings
from bridge.workers.erasing import Eraser

NOW = datetime(2025, 10, 20, 22, 0, tzinfo=UTC)


class FakeLeads:
    """An Odoo that may be away."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.asked: list[tuple[str, datetime]] = []

    def erase(self, manychat_id: str, erased_at: datetime) -> Mapping[str, Any]:
        self.asked.append((manychat_id, erased_at))
        if self.failure:
            raise self.failure
        return {"leads": 1}


class At:
    """A clock that a test sets."""

    moment = NOW

    def __call__(self, _session: Any) -> datetime:
        return self.moment


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'mirror.db'}"
    made = Store(make_engine(load_settings(api_key="x", database_url=url, _env_file=None)))
    upgrade(made.engine)
    with made.transaction() as session:
        erasures.erase(session, "MC-1", NOW)
    yield made
    made.close()


def owed(store: Store) -> int:
    with store.reading() as session:
        return erasures.waiting(session)


def test_what_is_owed_is_done_once(store: Store) -> None:
    leads = FakeLeads()
    eraser = Eraser(store, leads, At())
    assert (eraser.step(), eraser.step()) == (1, 0)
    assert leads.asked == [("MC-1", NOW)]
    assert owed(store) == 0


@pytest.mark.parametrize("failure", [AwayError("odoo_away"), RuntimeError("Rosa Huamán")])
def test_what_fails_is_owed_still_and_done_later(store: Store, failure: Exception) -> None:
    leads, clock = FakeLeads(), At()
    leads.failure = failure
    eraser = Eraser(store, leads, clock)
    with capture_logs() as logged:
        assert (eraser.step(), eraser.step()) == (0, 0)
    assert "Rosa" not in str(logged)
    assert (len(leads.asked), owed(store)) == (1, 1)
    leads.failure = None
    clock.moment = NOW + timedelta(seconds=15)
    assert eraser.step() == 1
    assert owed(store) == 0


def test_a_mirror_that_is_away_ends_nothing(store: Store) -> None:
    leads, stop = FakeLeads(), Flag()

    def away(_session: Any) -> datetime:
        stop.set()
        raise AwayError("mirror_away")

    Eraser(store, leads, away).run(stop)
    assert (leads.asked, owed(store)) == ([], 1)
