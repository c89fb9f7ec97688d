"""Two claimers that looked at the same moment: the database lets one of them have the contact."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, get_ident, main_thread
from typing import Any

import pytest

from bridge.events.event import EventType
from bridge.mirror import claims
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from tests.integration.mirror.conftest import NOW, Mirror, engine_of


@pytest.fixture
def shared(parts: Any) -> Iterator[Mirror]:
    """On PostgreSQL, where two transactions may look at once; SQLite's writers take turns."""
    engine = engine_of(parts.postgres.createdb("claim-race"))
    upgrade(engine)
    yield Mirror(Store(engine))
    engine.dispose()


def claim(mirror: Mirror, holder: str) -> list[str]:
    with mirror.store.transaction() as session:
        return [row.event_id for row in claims.claim(session, holder, 10, NOW, 60)]


def test_a_claimer_that_looked_before_another_committed_gets_nothing(
    shared: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.deliver(shared.envelope(EventType.CONTACT, {"manychat_id": "MC-1"}, "event-1"))
    claim(shared, "nobody")
    with shared.store.transaction() as session:
        claims.release(session, "nobody")
    looked, go_on = Event(), Event()
    plain = claims._slots_of

    def slots_of(*given: Any) -> list[int]:
        if get_ident() != main_thread().ident:
            looked.set()
            go_on.wait(20)
        return plain(*given)

    monkeypatch.setattr(claims, "_slots_of", slots_of)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(claim, shared, "two")
        assert looked.wait(20)
        assert claim(shared, "one") == ["event-1"]
        go_on.set()
        assert late.result(20) == []
