"""What the benchmarks feed and how they count is what their tables say."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

from benchmarks.measuring import Sample, cost, cpu_seconds, measure, rate, spread
from benchmarks.traffic import CALL, FIRST_STATE, WON_STATE, Traffic


def test_forty_of_a_hundred_events_are_new_contacts_and_the_others_move_seeded_ones() -> None:
    traffic = Traffic("t", 500, advisor=7)
    seeded = {event["manychat_id"] for event in traffic.seed}
    for call in traffic.calls():
        new = [event for event in call if event["manychat_id"] not in seeded]
        assert len(call) == CALL
        assert len(new) == 40
        assert {event["values"].get("state") for event in new} == {FIRST_STATE}


def test_a_few_moves_are_sales_and_traffic_of_one_name_is_always_the_same() -> None:
    traffic = Traffic("t", 1000, advisor=7)
    won = [event for event in traffic.events if event["values"]["state"] == WON_STATE]
    assert 10 <= len(won) <= 60
    assert traffic.events == Traffic("t", 1000, advisor=7).events


def test_every_event_has_its_own_id_and_a_later_time_than_the_one_before() -> None:
    traffic = Traffic("t", 300, advisor=7)
    events = [*traffic.seed, *traffic.events]
    assert len({event["event_id"] for event in events}) == len(events)
    assert all(a["occurred_at"] < b["occurred_at"] for a, b in pairwise(events))


def test_medians_are_told_with_the_slowest_and_the_fastest_run() -> None:
    runs = [Sample(100, 1.0, 0.5), Sample(100, 2.0, 0.2), Sample(100, 0.5, 0.1)]
    assert (rate(runs), cost(runs), spread(runs)) == (100, 2.0, "50–200")


def test_processor_time_of_a_child_counts() -> None:
    def burn() -> None:
        words = [sys.executable, "-c", "sum(range(10**7))"]
        subprocess.run(words, check=True)  # noqa: S603  (our own words)

    sample = measure(burn, 1, [os.getpid()])
    assert sample.cpu > 0
    assert cpu_seconds([]) == 0
