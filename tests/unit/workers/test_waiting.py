"""Waiting for a dependency: growing pauses, a probe between them, no longer than needed."""

from __future__ import annotations

from bridge.errors import AwayError, BusyError
from bridge.workers.waiting import LONGEST_PAUSE, wait_until_back
from tests.unit.workers.fakes import FakeFlag

AWAY = AwayError("mirror_away")


class Probe:
    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.asked = 0

    def __call__(self) -> None:
        self.asked += 1
        if self.asked <= self.failures:
            raise AWAY


def test_the_pause_grows_up_to_a_cap_until_the_probe_answers() -> None:
    stop, probe = FakeFlag(), Probe(failures=6)
    wait_until_back(stop, AWAY, probe, rng=lambda: 1.0)  # type: ignore[arg-type]
    assert stop.waits == [1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert probe.asked == 7


def test_jitter_takes_at_most_half_of_a_pause() -> None:
    stop = FakeFlag()
    wait_until_back(stop, AWAY, Probe(1), rng=lambda: 0.0)  # type: ignore[arg-type]
    assert stop.waits == [0.5, 1.0]


def test_a_stop_ends_the_waiting_without_another_probe() -> None:
    stop, probe = FakeFlag(rounds=2), Probe(failures=99)
    wait_until_back(stop, AWAY, probe, rng=lambda: 1.0)  # type: ignore[arg-type]
    assert probe.asked == 1


def test_the_other_sides_wish_is_the_first_pause() -> None:
    stop = FakeFlag()
    busy = BusyError("odoo_busy", retry_after=30)
    wait_until_back(stop, busy, Probe(0), rng=lambda: 0.0)  # type: ignore[arg-type]
    assert stop.waits == [30.0]
