"""Each fault alone, on a running world: at the end everything is as if nothing had happened."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.faults.night import Plan, live_through
from tests.faults.sabotage import FAULTS, SLOW
from tests.faults.world import World
from tests.secrecy import leaks

EVENTS, CONTACTS, PER_SECOND = 90, 18, 30.0
CALM = "nothing_happens"
QUICK = [name for name in FAULTS if name not in (CALM, *SLOW)]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World(os.environ.get("ODOO_SERIES") or None) as world:
        yield world
        assert leaks(world.stack.bridge.env["DATABASE_URL"], world.stack.logs) == []


@pytest.mark.parametrize(("seed", "name"), list(enumerate(QUICK, 1)))
def test_nothing_is_lost_doubled_or_wrong_when(world: World, seed: int, name: str) -> None:
    plan = Plan(seed, EVENTS, CONTACTS, [name], killers=0, per_second=PER_SECOND)
    verdict, deaths = live_through(world, plan)
    assert verdict.mismatches == []
    assert deaths == []
    assert verdict.accepted == verdict.ledger > EVENTS * 0.8
    assert verdict.deeds > 0
    assert verdict.told > 0


def test_an_event_that_kills_its_worker_ends_as_a_dead_letter_and_harms_no_other(
    world: World,
) -> None:
    before = world.fleet.killings
    plan = Plan(100, EVENTS, CONTACTS, [CALM], killers=1)
    verdict, deaths = live_through(world, plan)
    assert verdict.mismatches == []
    assert deaths == []
    assert world.fleet.killings > before
    assert verdict.accepted == verdict.ledger + 1
