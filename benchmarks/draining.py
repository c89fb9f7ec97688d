"""A queued backlog through all hops, beside other ways of bringing the same traffic into Odoo."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import odoo_ways
from benchmarks.lines import Line
from benchmarks.measuring import Sample, measure
from benchmarks.road import Drained, Road
from benchmarks.traffic import Traffic
from benchmarks.webhooks import as_post
from devstack import progress
from devstack.stack import Stack

if TYPE_CHECKING:
    from benchmarks.whole_road import Amounts

SECTION = "drain: 40 % new contacts, 60 % moves, into Odoo"
ROAD = "the whole road, a queued backlog"
NAIVE = "(a) naive: one event a call"
FIVE = "(b) the predecessor's five calls a lead"
ALONE = "(c) manychat_sync alone, 100 a call"


def measured(stack: Stack, amounts: Amounts) -> list[Line]:
    """Each way once a round, on one Odoo; the road's processes are frozen meanwhile."""
    stack.odoo.start()
    doors = odoo_ways.Doors(stack.odoo)
    _ = doors.stages, doors.sources
    road = Road(stack, stack.odoo, "drain")
    samples: dict[str, list[Sample]] = {}
    drained: list[Drained] = []
    try:
        road.start()
        road.freeze()
        _others(doors, -1, replace(amounts, naive=5, batched=100), {})  # the first fills caches
        road.thaw()
        for number in range(amounts.rounds):
            progress.say(f"drain, round {number + 1} of {amounts.rounds}")
            road.freeze()
            _others(doors, number, amounts, samples)
            road.thaw()
            drained.append(_road(road, number, amounts.backlog))
    finally:
        road.stop()
    return [*_rates(samples, drained), *_ratios(samples, drained), *_hops(drained)]


def _others(
    doors: odoo_ways.Doors, number: int, amounts: Amounts, samples: dict[str, list[Sample]]
) -> None:
    ways = (
        (NAIVE, odoo_ways.naive, odoo_ways.prepare_naive, amounts.naive),
        (FIVE, odoo_ways.five_calls, odoo_ways.prepare_five_calls, amounts.naive),
        (ALONE, odoo_ways.batched, odoo_ways.prepare, amounts.batched),
    )
    for name, way, prepare, count in ways:
        traffic = Traffic(f"{way.__name__}{number}", count, doors.seller_id)
        prepare(doors, traffic)
        sample = measure(lambda: way(doors, traffic), count, [])  # noqa: B023  (called at once)
        samples.setdefault(name, []).append(sample)


def _road(road: Road, number: int, count: int) -> Drained:
    traffic = Traffic(f"road{number}", count, 0)
    road.drain([as_post(event) for event in traffic.seed])
    return road.drain([as_post(event) for event in traffic.events])


def _rates(samples: dict[str, list[Sample]], drained: list[Drained]) -> list[Line]:
    rates = {name: [run.events / run.seconds for run in runs] for name, runs in samples.items()}
    rates[ROAD] = [run.rate for run in drained]
    return [
        Line(SECTION, name, median(runs), "events/s", runs=tuple(runs))
        for name, runs in rates.items()
    ]


def _ratios(samples: dict[str, list[Sample]], drained: list[Drained]) -> list[Line]:
    targets = {NAIVE: 10.0, FIVE: None, ALONE: 0.5}
    lines = []
    for name, target in targets.items():
        pairs = zip(drained, samples[name], strict=True)
        runs = tuple(road.rate * other.seconds / other.events for road, other in pairs)
        what = f"the road : {name.partition(':')[0].partition(',')[0]}"
        lines.append(Line(SECTION, what, median(runs), "×", at_least=target, runs=runs))
    return lines


def _hops(drained: list[Drained]) -> list[Line]:
    """Where the time goes; the hop that takes longest is the limit."""
    mirror = tuple(run.events / run.to_mirror for run in drained)
    behind = median(run.to_odoo - run.to_mirror for run in drained)
    last = median(run.to_odoo for run in drained)
    # Odoo takes up its batches while the mirror still fills: only what is left then tells
    limit = "outbox → Odoo" if behind > last * 0.2 else "queue → mirror"
    lines = [
        Line(
            SECTION,
            "of it, queue → mirror",
            median(mirror),
            "events/s",
            runs=mirror,
            note=f"limit: {limit} (Odoo was done {behind:.1f} s after the mirror, of {last:.1f} s)",
        )
    ]
    for part in drained[0].cpu:
        costs = tuple(1000 * run.cpu[part] / run.events for run in drained)
        what = f"processor time of {part}"
        lines.append(Line(SECTION, what, median(costs), "ms/event", runs=costs))
    return lines
