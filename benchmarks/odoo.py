"""The batch method of the addon against other ways into Odoo, in one run on one machine."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from psycopg import sql

from benchmarks import odoo_ways
from benchmarks.measuring import Sample, cost, measure, rate, spread
from benchmarks.odoo_fill import fill
from benchmarks.traffic import CALL, Traffic
from devstack import odoo_sources, progress
from devstack.odoo_server import OdooServer
from devstack.places import CHECKOUT
from devstack.postgres import Postgres
from devstack.stack import Stack

PARTS = ("ways", "size", "callers")
SMALL = 1_000
FAILING = """
CREATE FUNCTION bench_refuse() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN RAISE EXCEPTION ''refused by the benchmark''; END';
CREATE TRIGGER bench_refuse BEFORE INSERT OR UPDATE ON crm_lead
  FOR EACH ROW WHEN (NEW.manychat_id LIKE 'boom-%' OR NEW.manychat_summary = 'boom')
  EXECUTE FUNCTION bench_refuse();
"""
Samples = dict[str, list[Sample]]


@dataclass(frozen=True)
class Sizes:
    """Rounds of each way, calls of 100 a run, events of a naive run, leads that are many."""

    rounds: int
    calls: int
    naive: int
    leads: int


def bench_odoo(series: str | None, sizes: Sizes, parts: list[str] | None) -> None:
    """Measure, print a table, write `artifacts/bench-odoo-<series>.json`."""
    source = odoo_sources.choose(series)
    with Stack(source, name="bench") as stack:
        bench = Bench(stack, sizes)
        found: dict[str, Any] = {}
        for part in parts or PARTS:
            found[part] = getattr(bench, part)()
    folder = CHECKOUT / "artifacts"
    folder.mkdir(exist_ok=True)
    load = os.getloadavg()
    facts = {"odoo": source.series, "cores": os.cpu_count(), "load": load, "sizes": asdict(sizes)}
    path = folder / f"bench-odoo-{source.series}.json"
    path.write_text(json.dumps({**facts, **found}, indent=1))
    print(f"\n{os.cpu_count()} cores, load {load[0]:.1f} at the end; written to {path.name}")


class Bench:
    """The parts of the benchmark; each starts the servers that it needs and returns its figures."""

    def __init__(self, stack: Stack, sizes: Sizes) -> None:
        self._stack = stack
        self._sizes = sizes
        self._postgres: Postgres = stack.postgres

    def ways(self) -> dict[str, Any]:
        """Every way into one server, one after the other in each round."""
        doors = self._serve("ways")
        self._postgres.execute(sql.SQL(FAILING), database=doors.server.db)
        _ = doors.stages, doors.sources, doors.untracked_action
        samples: Samples = {}
        for number in range(self._sizes.rounds):
            progress.say(f"ways into Odoo, round {number + 1} of {self._sizes.rounds}")
            self._round(doors, number, samples)
        return report("way (100 events a call unless said)", samples, "naive, one event a call")

    def size(self) -> dict[str, Any]:
        """The batch method with few leads and with many, on two servers in turn."""
        samples: Samples = {}
        servers = {}
        for leads in (self._sizes.leads, SMALL):
            servers[leads] = doors = self._serve(f"leads{leads}")
            one = Traffic(f"model{leads}", 2, doors.seller_id)
            odoo_ways.prepare(doors, one)
            odoo_ways.batched(doors, one)
            progress.say(f"filling in {leads} leads")
            fill(self._postgres, doors.server.db, one.seed[0]["manychat_id"], leads)
        for number in range(-1, self._sizes.rounds):
            for leads, doors in servers.items():
                traffic = self._traffic(f"size{leads}-{number}", doors)
                odoo_ways.prepare(doors, traffic)
                sample = self._measured(doors, odoo_ways.batched, traffic)
                if number >= 0:  # the first fills caches
                    samples.setdefault(f"{leads} leads", []).append(sample)
        return report("leads in the database", samples, f"{SMALL} leads")

    def callers(self) -> dict[str, Any]:
        """One caller and two with contacts of their own, on a server with two workers."""
        doors = self._serve("callers", workers=2)
        samples: Samples = {}
        for number in range(-1, self._sizes.rounds):
            for callers in (1, 2):
                runs = [self._traffic(f"c{callers}{who}-{number}", doors) for who in range(callers)]
                for traffic in runs:
                    odoo_ways.prepare(doors, traffic)
                sample = self._measured_together(doors, runs)
                if number >= 0:
                    samples.setdefault(f"callers: {callers}", []).append(sample)
        table = report("disjoint contacts, --workers=2", samples, "callers: 1")
        deadlocks, retries = self._clashes(doors.server)
        print(f"deadlocks {deadlocks}, calls that Odoo tried again {retries}")
        return {**table, "deadlocks": deadlocks, "retries": retries}

    def _round(self, doors: odoo_ways.Doors, number: int, samples: Samples) -> None:
        plan: list[tuple[str, odoo_ways.Way, int]] = [
            ("naive, one event a call", odoo_ways.naive, self._sizes.naive),
            ("manychat_sync", odoo_ways.batched, 0),
            ("manychat_sync without trace", odoo_ways.untracked, 0),
            ("one event of a wrong type in 100", odoo_ways.one_bad, 0),
            ("one new lead refused by the database", odoo_ways.one_failing, 0),
            ("one change refused by the database", odoo_ways.one_failing_change, 0),
        ]
        for name, way, count in plan:
            traffic = self._traffic(f"{way.__name__}{number}", doors, count)
            (odoo_ways.prepare_naive if way is odoo_ways.naive else odoo_ways.prepare)(
                doors, traffic
            )
            samples.setdefault(name, []).append(self._measured(doors, way, traffic))
            if way is odoo_ways.batched:
                again = self._measured(doors, way, traffic)
                samples.setdefault("all duplicates", []).append(again)

    def _traffic(self, name: str, doors: odoo_ways.Doors, count: int = 0) -> Traffic:
        return Traffic(name, count or self._sizes.calls * CALL, doors.seller_id)

    def _serve(self, name: str, workers: int = 0) -> odoo_ways.Doors:
        server = self._stack.another_odoo(f"bench-{name}", workers=workers)
        doors = odoo_ways.Doors(server)

        server.start()
        return doors

    def _measured(self, doors: odoo_ways.Doors, way: odoo_ways.Way, traffic: Traffic) -> Sample:
        return measure(lambda: way(doors, traffic), traffic.count, self._roots(doors))

    def _measured_together(self, doors: odoo_ways.Doors, runs: list[Traffic]) -> Sample:
        clients = [odoo_ways.Doors(doors.server) for _ in runs]
        for client in clients:
            client.bridge.ping()

        def together() -> None:
            with ThreadPoolExecutor(len(runs)) as pool:
                list(pool.map(odoo_ways.batched, clients, runs))

        return measure(together, sum(traffic.count for traffic in runs), self._roots(doors))

    def _roots(self, doors: odoo_ways.Doors) -> list[int]:
        return [pid for pid in (doors.server.pid, self._postgres.pid) if pid]

    def _clashes(self, server: OdooServer) -> tuple[int, int]:
        query = sql.SQL("SELECT deadlocks FROM pg_stat_database WHERE datname = %s")
        [(deadlocks,)] = self._postgres.execute(query, [server.db])
        return deadlocks, server.log.read_text(errors="replace").count("tries left")


def report(title: str, samples: Samples, base: str) -> dict[str, Any]:
    """Print a line a way, and return the figures; ratios are to `base`."""
    rates = {name: rate(runs) for name, runs in samples.items()}
    costs = {name: cost(runs) for name, runs in samples.items()}
    print(
        f"\n{title:<36}{'events/s':>9}{'slowest–fastest':>17}{'ratio':>8}{'CPU ms':>8}{'ratio':>8}"
    )
    for name, runs in samples.items():
        print(
            f"{name:<36}{rates[name]:>9.0f}{spread(runs):>17}{rates[name] / rates[base]:>8.2f}"
            f"{costs[name]:>8.2f}{costs[base] / max(costs[name], 0.001):>8.2f}"
        )
    return {
        name: {
            "events_per_second": round(rates[name], 1),
            "ratio": round(rates[name] / rates[base], 3),
            "cpu_ms_per_event": round(costs[name], 3),
            "runs": [asdict(sample) for sample in runs],
        }
        for name, runs in samples.items()
    }
