"""`make scale`: a clinic's day, ten, a hundred and a thousand times as busy, played over the road.

A fluid model: what a hop cannot take in a step waits for the next one. It knows the measured cost
of an event in each part (docs/performance.md), Azure's documented limits, and nothing else: no
network, no start-up time, no noisy neighbour. It answers which part is full first, and how many
processes each part needs; not how long one event takes while nothing waits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

STEP = 10.0  # seconds
DAY = 86_400
EVENTS_A_DAY = 12_000  # at 1 ×: some 2,000 conversations
BLAST = 3_000  # of which a campaign's answers come within ten minutes, from eleven o'clock on
BLAST_FROM, BLAST_SECONDS = 11 * 3600, 600
BUSY_HOURS = {8: 4, 9: 8, 10: 10, 11: 10, 12: 8, 13: 6, 14: 6, 15: 8, 16: 9, 17: 9, 18: 8, 19: 6,
              20: 4, 21: 2, 22: 1, 7: 1}  # fmt: skip
FACTORS = (1, 10, 100, 1000)
FULL = 0.7  # of a part's rate: above it queues grow from chance alone
CONTACTS = 0.4  # the share of events that go through the contact queue


@dataclass(frozen=True)
class Hop:
    """One part: `rate` is how many events a second one process (or queue) takes at most.

    `share` of all events pass here; two processes do `pays` of twice as much (measured for
    Odoo; workers of one kind share no lock, so 1); `most` is how many there can be. What is too
    much waits if it `holds`, else nobody has it: ManyChat gives up after ten seconds.
    """

    name: str
    rate: float
    share: float = 1.0
    pays: float = 1.0
    most: int | None = None
    holds: bool = True

    def capacity(self, processes: int) -> float:
        """Events a second of that many."""
        return self.rate * processes * (self.pays if processes > 1 else 1.0)

    def needed(self, arriving: float) -> int:
        """The fewest processes that are at most `FULL` with so many events a second of all."""
        wanted = self.share * arriving / FULL
        if wanted <= self.rate:
            return 1
        return math.ceil(wanted / (self.rate * self.pays))


def per_second(milliseconds: float) -> float:
    """A processor's rate at that cost an event."""
    return 1000.0 / milliseconds


# costs: docs/performance.md, one core of the machine there; limits: Azure's own figures
HOPS = (
    Hop("API process", per_second(2.7), holds=False),
    Hop("contact queue", 2000.0, share=CONTACTS, most=1),
    Hop("campaign queue", 2000.0, share=1 - CONTACTS, most=1),
    Hop("contact worker", per_second(0.95), share=CONTACTS),
    Hop("campaign worker", per_second(1.2), share=1 - CONTACTS),
    Hop("mirror, core", per_second(0.6), most=80),  # half of the databases' 1.2 ms
    Hop("crm worker", per_second(0.35)),
    Hop("Odoo worker", per_second(1.3), pays=0.89),
    Hop("Odoo's database, core", per_second(0.6)),
)


@dataclass
class Played:
    """What a day did to one hop."""

    hop: Hop
    processes: int
    waiting: float = 0.0
    done: float = 0.0
    busiest: float = 0.0
    longest: float = 0.0
    lost: float = 0.0
    """Events that wait now, that went through; most that arrived in a step, as a share of what
    fits; longest wait in seconds; events that nobody took."""

    def take(self, events: float) -> float:
        """Let `events` arrive in one step; returns how many go on to the next hop."""
        room = self.hop.capacity(self.processes) * STEP
        due = self.waiting + events * self.hop.share
        passed = min(due, room)
        self.waiting, missed = (due - passed, 0.0) if self.hop.holds else (0.0, due - passed)
        self.done += passed
        self.lost += missed
        self.busiest = max(self.busiest, events * self.hop.share / room)
        self.longest = max(self.longest, self.waiting / room * STEP)
        return passed / self.hop.share


def arrivals(factor: float) -> Iterator[float]:
    """Events of each step of a day that is `factor` times as busy."""
    hours = sum(BUSY_HOURS.values())
    for step in range(int(DAY / STEP)):
        second = step * STEP
        weight = BUSY_HOURS.get(int(second // 3600), 0)
        steady = (EVENTS_A_DAY - BLAST) * weight / hours / 3600 * STEP
        blast = BLAST / BLAST_SECONDS * STEP if 0 <= second - BLAST_FROM < BLAST_SECONDS else 0.0
        yield factor * (steady + blast)


def play(factor: float, processes: Mapping[str, int], hops: Sequence[Hop] = HOPS) -> list[Played]:
    """A day over the road, hop after hop; `processes` by hop name, one where it has none."""
    road = [Played(hop, processes.get(hop.name, 1)) for hop in hops]
    for arrived in arrivals(factor):
        events = arrived
        for hop in road:
            events = hop.take(events)
    return road


def peak(factor: float) -> float:
    """Events a second in the busiest step."""
    return max(arrivals(factor)) / STEP


@dataclass(frozen=True)
class Plan:
    """What a factor needs: processes by hop, and the hops that cannot have so many."""

    factor: float
    processes: dict[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()


def plan(factor: float, hops: Sequence[Hop] = HOPS) -> Plan:
    """The fewest processes of each hop for the busiest step of such a day."""
    needed = {hop.name: hop.needed(peak(factor)) for hop in hops}
    over = tuple(hop.name for hop in hops if hop.most is not None and needed[hop.name] > hop.most)
    return Plan(factor, needed, over)


def run(console: Console | None = None) -> None:
    """Print both tables: one process of each part, and what each factor needs."""
    console = console or Console()
    console.print(_alone())
    console.print(_planned())
    console.print(f"1 × is {EVENTS_A_DAY:,} events a day, at most {peak(1):.1f} a second.")


def _alone() -> Table:
    title = "One process of each part, but as many of the API as are needed"
    shown = Table("part", *(f"{factor} ×" for factor in FACTORS), title=title)
    api = HOPS[0].name
    days = [play(factor, {api: plan(factor).processes[api]}) for factor in FACTORS]
    for number, hop in enumerate(HOPS):
        shown.add_row(hop.name, *(_told(day[number]) for day in days))
    return shown


def _told(hop: Played) -> str:
    used = f"{hop.busiest:.0%}"
    if hop.lost:
        return f"{used}, loses {hop.lost / (hop.done + hop.lost):.0%}"
    return f"{used}, waits {_span(hop.longest)}" if hop.longest >= 1 else used


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _planned() -> Table:
    shown = Table("part", *(f"{factor} ×" for factor in FACTORS), title=f"Needed for ≤ {FULL:.0%}")
    plans = [plan(factor) for factor in FACTORS]
    for hop in HOPS:
        cells = (
            f"{one.processes[hop.name]}{' (cannot)' if hop.name in one.broken else ''}"
            for one in plans
        )
        shown.add_row(hop.name, *cells)
    return shown
