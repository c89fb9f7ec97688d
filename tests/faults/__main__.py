"""`make faults`: the long run. One line of totals at the end; exit code 1 on any mismatch.

FAULTS_EVENTS (20000), FAULTS_CONTACTS (a tenth of them), FAULTS_SEED (a new one), FAULTS (names
separated by blanks; all), ODOO_SERIES.
"""

from __future__ import annotations

import os
import sys
import time
from random import SystemRandom

from devstack import progress
from devstack.errors import StackError
from tests.faults.night import Plan, live_through
from tests.faults.sabotage import FAULTS
from tests.faults.verdict import KINDS, Verdict
from tests.faults.world import World

SHOWN = 200


def main() -> int:
    plan = _plan()
    began = time.monotonic()
    print(
        f"faults: seed {plan.seed}, {plan.events} events, {plan.contacts} contacts, "
        f"{len(plan.faults)} faults, {os.cpu_count()} cores",
        flush=True,
    )
    try:
        with World(os.environ.get("ODOO_SERIES") or None, seed=plan.seed) as world:
            verdict, deaths = live_through(world, plan, progress.say)
            killings = world.fleet.killings
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    for name in deaths:
        print(f"note: {name} (started again)")
    for text in verdict.mismatches[:SHOWN]:
        print(f"MISMATCH {text}")
    if len(verdict.mismatches) > SHOWN:
        print(f"… and {len(verdict.mismatches) - SHOWN} more")
    print(_totals(plan, verdict, killings, time.monotonic() - began))
    return 1 if verdict.mismatches else 0


def _plan() -> Plan:
    events = int(os.environ.get("FAULTS_EVENTS") or 20_000)
    names = (os.environ.get("FAULTS") or " ".join(FAULTS)).split()
    if unknown := set(names) - FAULTS.keys():
        sys.exit(f"no such fault: {', '.join(sorted(unknown))} (there are {', '.join(FAULTS)})")
    return Plan(
        seed=int(os.environ.get("FAULTS_SEED") or SystemRandom().randrange(1_000_000)),
        events=events,
        contacts=int(os.environ.get("FAULTS_CONTACTS") or max(1, events // 10)),
        faults=names,
        long=events >= 10_000,
        killers=2,
    )


def _totals(plan: Plan, verdict: Verdict, killings: int, seconds: float) -> str:
    counts = ", ".join(f"{kind} {verdict.count(kind)}" for kind in KINDS)
    return (
        f"faults: {'FAILED' if verdict.mismatches else 'passed'} · seed {plan.seed} · "
        f"{plan.events} events of {plan.contacts} contacts in {seconds:.0f} s · accepted "
        f"{verdict.accepted}, ledger {verdict.ledger}, dead letters {verdict.dead}, by people "
        f"{verdict.deeds}, told to ManyChat {verdict.told} · wrong: "
        f"{counts} · {killings} killings by an event"
    )


if __name__ == "__main__":
    sys.exit(main())
