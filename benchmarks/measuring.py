"""Wall time, and the processor time of the server's processes: a shared machine blurs the first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Sample:
    """One run: how many events, seconds that passed, processor seconds of the server."""

    events: int
    seconds: float
    cpu: float


def measure(run: Callable[[], None], events: int, roots: Iterable[int]) -> Sample:
    """Run it once; `roots` are the processes whose time counts, with all their children."""
    roots = list(roots)
    cpu, began = cpu_seconds(roots), time.perf_counter()
    run()
    return Sample(events, time.perf_counter() - began, cpu_seconds(roots) - cpu)


def cpu_seconds(roots: Iterable[int]) -> float:
    """Processor seconds of these processes and their children so far, of ended ones too."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name may hold blanks and ends with the last bracket
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid] = int(fields[1])
        ticks[pid] = sum(int(field) for field in fields[11:15])
    family, found = set(roots), 0
    while len(family) > found:
        found = len(family)
        family |= {pid for pid, parent in parents.items() if parent in family}
    return sum(ticks.get(pid, 0) for pid in family) / os.sysconf("SC_CLK_TCK")


def rate(samples: list[Sample]) -> float:
    """Median events a second."""
    return median(sample.events / sample.seconds for sample in samples)


def cost(samples: list[Sample]) -> float:
    """Median processor milliseconds an event."""
    return median(1000 * sample.cpu / sample.events for sample in samples)


def spread(samples: list[Sample]) -> str:
    """The slowest and the fastest run, events a second."""
    rates = sorted(sample.events / sample.seconds for sample in samples)
    return f"{rates[0]:.0f}–{rates[-1]:.0f}"
