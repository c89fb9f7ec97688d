"""A hop that a person stopped."""

from __future__ import annotations

import pytest

from bridge.errors import AwayError
from bridge.mirror import pauses
from bridge.mirror.store import Store
from bridge.workers.pausing import PauseWatch
from tests.unit.workers.fakes import NOW


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_pause_is_seen_within_a_second_and_so_is_its_end(mirror: Store) -> None:
    clock = Clock()
    paused = PauseWatch(mirror, "contact", clock)
    assert not paused()
    with mirror.transaction() as session:
        pauses.pause(session, "contact", NOW)
        pauses.pause(session, "contact", NOW)
        assert pauses.paused(session) == {"contact": NOW}
    assert not paused()  # asked a moment ago
    clock.seconds = 1.0
    assert paused()
    assert not PauseWatch(mirror, "campaign", clock)()
    with mirror.transaction() as session:
        pauses.resume(session, "contact")
    clock.seconds = 2.0
    assert not paused()


def test_the_last_answer_stands_while_the_mirror_is_away(
    mirror: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    with mirror.transaction() as session:
        pauses.pause(session, "contact", NOW)
    paused = PauseWatch(mirror, "contact", clock)
    assert paused()

    def away() -> None:
        raise AwayError("mirror_away")

    monkeypatch.setattr(mirror, "reading", away)
    clock.seconds = 5.0
    assert paused()
