"""What an event costs when there are many contacts, many workers, many events: three sections."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.lines import Line
from benchmarks.mirror_fill import fill_mirror
from benchmarks.odoo_fill import fill
from benchmarks.road import Drained, Road
from benchmarks.traffic import Traffic
from benchmarks.webhooks import as_post
from devstack import progress
from devstack.stack import Stack

if TYPE_CHECKING:
    from benchmarks.whole_road import Amounts

SIZE = "growth: contacts in mirror and Odoo"
WORKERS = "growth: workers of each kind"
MEMORY = "growth: memory over one backlog"
MOST = 1.15
FLAT = 1.25


def sizes(stack: Stack, amounts: Amounts) -> list[Line]:
    """Numbers of contacts in turn, each on its own Odoo and mirror."""
    roads: dict[int, Road] = {}
    runs: dict[int, list[Drained]] = {size: [] for size in amounts.contacts}
    try:
        for size in amounts.contacts:
            roads[size] = _filled(stack, size)
        for number in range(-1, amounts.rounds):
            for size, road in roads.items():
                progress.say(f"{size} contacts, round {number + 1} of {amounts.rounds}")
                road.thaw()
                run = _drained(road, f"size{size}-{number}", amounts.grown)
                road.freeze()
                if number >= 0:  # the first fills caches
                    runs[size].append(run)
    finally:
        for road in roads.values():
            road.stop()
            road.odoo.stop()
    return _size_lines(runs)


def _size_lines(runs: dict[int, list[Drained]]) -> list[Line]:
    smallest = min(runs)
    lines = []
    for size, drained in runs.items():
        costs = tuple(run.cost for run in drained)
        rates = tuple(run.rate for run in drained)
        lines.append(Line(SIZE, f"{size} contacts", median(rates), "events/s", runs=rates))
        what = f"{size} contacts: processor time"
        lines.append(Line(SIZE, what, median(costs), "ms/event", runs=costs))
    for size in sorted(runs)[1:]:
        pairs = list(zip(runs[size], runs[smallest], strict=True))
        costs = tuple(one.cost / other.cost for one, other in pairs)
        times = tuple(other.rate / one.rate for one, other in pairs)
        what = f"{size} : {smallest} contacts, processor time an event"
        lines.append(Line(SIZE, what, median(costs), "×", at_most=MOST, runs=costs))
        lines += _parts(size, smallest, pairs)
        what = f"{size} : {smallest} contacts, time an event"
        lines.append(Line(SIZE, what, median(times), "×", runs=times))
    return lines


def _parts(size: int, smallest: int, pairs: list[tuple[Drained, Drained]]) -> list[Line]:
    """Which part's cost grows."""
    lines = []
    for part in pairs[0][0].cpu:
        more = [
            1000 * (one.cpu[part] / one.events - other.cpu[part] / other.events)
            for one, other in pairs
        ]
        what = f"{size} : {smallest} contacts, more in {part}"
        lines.append(Line(SIZE, what, median(more), "ms/event", runs=tuple(more)))
    return lines


def _filled(stack: Stack, size: int) -> Road:
    odoo = stack.another_odoo(f"bench-{size}")
    odoo.start()
    road = Road(stack, odoo, f"size{size}")
    road.start()
    one = Traffic(f"model{size}", 4, 0)
    road.drain([as_post(event) for event in [*one.seed, *one.events]])
    road.freeze()
    with progress.step(f"filling in {size} contacts"):
        contact = one.seed[0]["manychat_id"]
        fill(stack.postgres, odoo.db, contact, size)
        fill_mirror(stack.postgres, road.database, contact, size)
    return road


def workers(stack: Stack, amounts: Amounts) -> list[Line]:
    """Numbers of workers in turn, and one of each kind that handles two batches at once."""
    stack.odoo.start()
    roads = {
        f"{count} of each kind": Road(stack, stack.odoo, f"workers{count}", count)
        for count in amounts.workers
    }
    roads["1 of each kind, --concurrency 2"] = Road(stack, stack.odoo, "two-lanes", concurrency=2)
    runs: dict[str, list[float]] = {name: [] for name in roads}
    try:
        for road in roads.values():
            road.start()
            road.freeze()
        for number in range(amounts.rounds):
            for name, road in roads.items():
                progress.say(f"{name}, round {number + 1} of {amounts.rounds}")
                road.thaw()
                runs[name].append(_drained(road, f"{road.name}-{number}", amounts.grown).rate)
                road.freeze()
    finally:
        for road in roads.values():
            road.stop()
    return [
        Line(WORKERS, name, median(rates), "events/s", runs=tuple(rates))
        for name, rates in runs.items()
    ]


def backlog(stack: Stack, amounts: Amounts) -> list[Line]:
    """Resident memory after a warm-up and after the long backlog, which waits in the outbox."""
    stack.odoo.start()
    road = Road(stack, stack.odoo, "memory")
    try:
        road.start()
        _drained(road, "warm", amounts.grown)
        before = road.memory()
        traffic = Traffic("long", amounts.long_backlog, 0)
        patience = 60 + amounts.long_backlog / 10
        road.drain_outbox([as_post(event) for event in traffic.seed], patience)
        run = road.drain_outbox([as_post(event) for event in traffic.events], patience)
        after = road.memory()
    finally:
        road.stop()
    what = f"{amounts.long_backlog} events that waited for Odoo"
    lines = [Line(MEMORY, what, run.rate, "events/s")]
    return lines + [
        Line(MEMORY, f"{name}: after : before", after[name] / before[name], "×", at_most=FLAT,
             note=f"{before[name]:.0f} → {after[name]:.0f} MB")
        for name in before
    ]  # fmt: skip


def _drained(road: Road, name: str, count: int) -> Drained:
    traffic = Traffic(name, count, 0)
    road.drain([as_post(event) for event in traffic.seed])
    return road.drain([as_post(event) for event in traffic.events], seconds=60 + count / 10)
