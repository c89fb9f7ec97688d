"""Wall time, and the processor time of the server's processes: a shared machine blurs the first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
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
    stats = _stats()
    ticks = {pid: sum(int(field) for field in fields[11:15]) for pid, fields in stats.items()}
    return sum(ticks[pid] for pid in _family(stats, roots)) / os.sysconf("SC_CLK_TCK")


def resident(root: int) -> float:
    """Megabytes of memory that this process and its children hold now."""
    stats = _stats()
    pages = sum(int(stats[pid][21]) for pid in _family(stats, [root]))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _stats() -> dict[int, list[str]]:
    """The fields of each process from its state on, by pid."""
    stats: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name may hold blanks and ends with the last bracket
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        stats[int(path.parent.name)] = fields
    return stats


def _family(stats: Mapping[int, list[str]], roots: Iterable[int]) -> set[int]:
    family, found = set(roots) & stats.keys(), -1
    while len(family) > found:
        found = len(family)
        family |= {pid for pid, fields in stats.items() if int(fields[1]) in family}
    return family


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
