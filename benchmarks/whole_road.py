"""`make bench`: the whole road on this machine, a table a section."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import accepting, draining, growing, looking_up, visible, wayback
from benchmarks.chart import bars
from benchmarks.lines import Line, table
from devstack import odoo_sources, progress
from devstack.places import CHECKOUT
from devstack.stack import Stack


@dataclass(frozen=True)
class Amounts:
    """How much of everything: a quick run ends within ten minutes, a long one in about an hour.

    `rounds`: interleaved runs of each way. `posts`: webhooks a run. `naive`, `batched`,
    `backlog`: events a run of the slow ways, of the batch method, of the whole road. `seconds`:
    of the latency's traffic. `contacts`: sizes of mirror and Odoo. `grown`: events a run there.
    `long_backlog`: events of the one backlog over which memory is watched. `moves`: of a lead in
    a browser.
    """

    rounds: int = 3
    posts: int = 800
    naive: int = 60
    batched: int = 600
    backlog: int = 800
    seconds: float = 30.0
    contacts: tuple[int, ...] = (1_000, 10_000, 100_000)
    grown: int = 400
    workers: tuple[int, ...] = (1, 2, 4)
    long_backlog: int = 3_000
    moves: int = 30


QUICK = Amounts()
LONG = Amounts(
    rounds=5, posts=3_000, naive=200, batched=3_000, backlog=4_000, seconds=120.0, grown=1_500,
    long_backlog=20_000, moves=100,
)  # fmt: skip

Section = Callable[[Stack, Amounts], list[Line]]
SECTIONS: dict[str, Section] = {
    "accept": accepting.measured,
    "drain": draining.measured,
    "latency": visible.measured,
    "growth": growing.sizes,
    "workers": growing.workers,
    "backlog": growing.backlog,
    "lookup": looking_up.measured,
    "wayback": wayback.measured,
}


def bench_road(series: str | None, sections: Sequence[str], amounts: Amounts) -> bool:
    """Measure, print a table a section, write `artifacts/bench.json` and `.svg`; targets met?"""
    source = odoo_sources.choose(series)
    lines: list[Line] = []
    with Stack(source, name="bench-road") as stack:
        for name in sections:
            with progress.step(f"bench: {name}"):
                found = SECTIONS[name](stack, amounts)
            print(table(found), flush=True)  # what was measured stays, whatever comes after
            lines += found
    facts = {"odoo": source.series, "cores": os.cpu_count(), "load": os.getloadavg()}
    _write({**facts, "sections": list(sections), "amounts": asdict(amounts)}, lines)
    print(
        f"\nOdoo {source.series}, {os.cpu_count()} cores, load {facts['load'][0]:.1f} at the end; "  # type: ignore[index]
        "also in artifacts/bench.json and bench.svg"
    )
    return all(line.met is not False for line in lines)


def _write(facts: dict[str, Any], lines: Sequence[Line]) -> None:
    folder = CHECKOUT / "artifacts"
    folder.mkdir(exist_ok=True)
    found = {**facts, "lines": [asdict(line) | {"met": line.met} for line in lines]}
    (folder / "bench.json").write_text(json.dumps(found, indent=1))
    rates = [(line.what, line.value) for line in lines if line.unit == "events/s"]
    (folder / "bench.svg").write_text(bars("events a second", rates))
