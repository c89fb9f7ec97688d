"""The day that `make scale` plays: nothing is lost in it, and what is too much waits."""

from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks.scale import EVENTS_A_DAY, FULL, HOPS, Hop, arrivals, peak, plan, play, run


def test_a_day_has_its_events() -> None:
    assert sum(arrivals(1)) == pytest.approx(EVENTS_A_DAY)
    assert sum(arrivals(10)) == pytest.approx(10 * EVENTS_A_DAY)


@pytest.mark.parametrize("factor", [1, 1000])
def test_what_came_in_went_on_or_waits_or_is_counted_as_lost(factor: float) -> None:
    came = sum(arrivals(factor))
    for hop in play(factor, {}):
        share = hop.hop.share
        assert hop.done + hop.waiting + hop.lost == pytest.approx(came * share, rel=1e-6)
        came = hop.done / share


def test_a_part_that_is_too_small_makes_a_queue_and_shields_those_after_it() -> None:
    small, big = play(1, {}, [Hop("small", 1.0), Hop("big", 100.0)])
    assert small.busiest > 1
    assert small.longest > 60
    assert big.busiest <= 0.01 + 1e-9
    assert big.longest == 0


def test_a_part_that_cannot_hold_loses_what_is_too_much() -> None:
    [api] = play(1, {}, [Hop("api", 1.0, holds=False)])
    assert api.lost > 0
    assert api.longest == api.waiting == 0


def test_what_is_needed_is_enough_and_one_fewer_is_not() -> None:
    for hop in HOPS:
        needed = hop.needed(peak(300))
        assert hop.share * peak(300) <= FULL * hop.capacity(needed) + 1e-9
        if needed > 2:
            assert hop.share * peak(300) > FULL * hop.capacity(needed - 1)


def test_a_queue_cannot_be_had_twice() -> None:
    assert plan(1).broken == ()
    assert {"contact queue", "campaign queue"} <= set(plan(1000).broken)


def test_both_tables_name_every_part() -> None:
    console = Console(record=True, width=120, quiet=False, file=None)
    with console.capture() as captured:
        run(console)
    text = captured.get()
    assert all(text.count(hop.name) == 2 for hop in HOPS)
    assert "(cannot)" in text
