"""One bad night: a story is told to a world in which something breaks at every turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from devstack.errors import NotReady
from tests.faults.client import Client
from tests.faults.compare import Ends, Since, compare
from tests.faults.generator import Generator
from tests.faults.people import People
from tests.faults.sabotage import FAULTS
from tests.faults.verdict import Verdict
from tests.faults.world import World

POST_SECONDS = 120.0
"""How long posts may take that no fault holds up."""


@dataclass(frozen=True)
class Plan:
    """What to tell and what to break; the same seed tells the same story."""

    seed: int
    events: int
    contacts: int
    faults: Sequence[str]
    long: bool = False
    killers: int = 1
    per_second: float = 100.0


def live_through(
    world: World, plan: Plan, say: Callable[[str], None] = lambda _: None
) -> tuple[Verdict, list[str]]:
    """Tell the story, break things, wait until all is quiet, and compare.

    Returns the verdict, and the processes that ended although nobody had killed them.
    """
    since = Since(datetime.now(UTC), world.leads.last_change())
    writer = Generator(plan.seed, plan.events, plan.contacts, since.moment, plan.killers)
    posts = writer.posts()
    deaths = len(world.fleet.deaths)
    bridge = world.stack.bridge
    client = Client(bridge.api_url, bridge.webhook_api_key, posts, plan.per_second)
    people = world.people = People(world.stack.odoo, writer.people, plan.seed)
    client.start()
    people.start()
    try:
        for number, name in enumerate(plan.faults, 1):
            client.allow(len(posts) * number // len(plan.faults))
            say(f"{name.replace('_', ' ')} ({client.done} of {len(posts)} posts answered)")
            FAULTS[name](world, plan.long)
            if not world.until(lambda: client.idle, POST_SECONDS + len(posts) / plan.per_second):
                raise NotReady(f"{name}: only {client.done} of {len(posts)} posts were answered")
        people.crowd(copies=1, acts=3)
    finally:
        client.stop()
        people.stop()
    say(
        f"{len(posts)} posts answered, {len(people.deeds)} things done in Odoo; waiting until "
        "nothing is on its way"
    )
    stuck = ""
    try:
        world.drain(180.0 + len(posts) / 20)
    except NotReady as error:
        stuck = str(error)
    verdict = compare(client.told, people.deeds, Ends(world.mirror, world.leads, world.page), since)
    if stuck:
        verdict.note("lost", stuck)
    return verdict, world.fleet.deaths[deaths:]
