"""The faults, one function each: done to a running world while events pour in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from psycopg import sql

from tests.faults.worker import ANSWER, LEASE
from tests.faults.world import World

Fault = Callable[[World, bool], None]
"""`long`: with the times of a bad night instead of those of a test."""


def nothing_happens(world: World, long: bool) -> None:
    """Only what the story itself brings: order, duplicates, poison, a killer."""
    world.pause(1.0)


def api_is_killed(world: World, long: bool) -> None:
    for _ in range(3 if long else 1):
        world.fleet.crash([world.fleet.api])
        world.pause(4.0)


def workers_are_killed(world: World, long: bool) -> None:
    """Each in turn, and at last all at once."""
    for worker in world.fleet.every_worker:
        world.fleet.crash([worker])
        world.pause(1.5 if long else 0.2)
    world.fleet.crash(world.fleet.every_worker)


def sigterm_rolls(world: World, long: bool) -> None:
    for _ in range(2 if long else 1):
        world.fleet.roll([*world.fleet.every_worker, world.fleet.api])


def azurite_restarts(world: World, long: bool) -> None:
    world.stack.azurite.stop()
    world.pause(8.0 if long else 1.0)
    world.stack.azurite.start()


def odoo_is_killed_and_away(world: World, long: bool) -> None:
    world.stack.odoo.kill()
    world.pause(60.0 if long else 2.0)
    world.stack.odoo.start()


def postgres_restarts(world: World, long: bool) -> None:
    """The mirror's and Odoo's at once."""
    world.stack.postgres.stop()
    world.pause(5.0 if long else 1.0)
    world.stack.postgres.start()


def sql_is_cut_in_mid_transaction(world: World, long: bool) -> None:
    statement = sql.SQL(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = 'faults-mirror' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    )

    def cut() -> bool:
        world.stack.postgres.execute(statement)
        return False

    world.until(cut, 6.0 if long else 2.0)


def queue_answers_500_and_503(world: World, long: bool) -> None:
    for share in (0.3, 0.9):
        world.queue.refuse = share
        world.pause(6.0 if long else 1.5)
    world.queue.behave()


def queue_is_slow(world: World, long: bool) -> None:
    """Slower, now and then, than the webhook waits: what it gave up on may be kept all the same."""
    world.queue.delay = lambda: world.queue.random.choice((0.0, 0.2, 0.6, 2.5))
    world.pause(12.0 if long else 4.0)
    world.queue.behave()


def queue_answers_are_lost(world: World, long: bool) -> None:
    """Sent, leased or deleted, and the connection cut instead of the answer."""
    for _ in range(8 if long else 3):
        world.queue.swallow = True
        world.pause(0.2)
        world.queue.behave()
        world.pause(0.5)


def odoo_answers_are_lost(world: World, long: bool) -> None:
    """Each batch is applied, and the connection cut instead of the answer."""
    _swallow(world, calls=6 if long else 2, seconds=15.0)


def odoo_answers_too_late(world: World, long: bool) -> None:
    """Applied, and answered after the worker has hung up."""
    world.odoo.hold = ANSWER + 5.0
    _swallow(world, calls=2 if long else 1, seconds=3 * ANSWER)
    world.pause(ANSWER)


def leases_run_out_in_mid_batch(world: World, long: bool) -> None:
    """One worker of each kind sleeps through its lease, the other does its work, and it wakes."""
    asleep = [world.fleet.workers[kind][0] for kind in ("contact", "campaign")]
    for _ in range(4 if long else 1):
        world.fleet.freeze(asleep)
        world.pause(LEASE + 1.5)
        world.fleet.thaw(asleep)
        world.pause(1.0)


def the_claim_runs_out(world: World, long: bool) -> None:
    """The worker that claimed the outbox sleeps longer than its claim lasts."""
    for worker in world.fleet.workers["crm"] if long else world.fleet.workers["crm"][:1]:
        world.fleet.freeze([worker])
        world.pause(35.0)
        world.fleet.thaw([worker])


def feedback_is_killed(world: World, long: bool) -> None:
    """In mid read, and between applying a page and its commit; the other one takes over."""
    world.odoo.delay = lambda: world.odoo.random.choice((0.0, 0.2, 0.5))
    for turn in range(6 if long else 2):
        world.pause(1.5)
        if turn % 2:
            world.fleet.crash(world.fleet.workers["feedback"])
        else:
            world.condemn_feedback()
    world.odoo.behave()
    world.pause(2.0)


def a_crowd_works_in_odoo(world: World, long: bool) -> None:
    """Many transactions at once, long ones among them, while the feed is read."""
    if world.people:
        world.people.crowd(copies=6 if long else 3, acts=12 if long else 4)


def odoo_dies_before_its_changes_are_read(world: World, long: bool) -> None:
    readers = world.fleet.workers["feedback"]
    world.fleet.freeze(readers)
    world.pause(6.0 if long else 1.5)
    world.stack.odoo.kill()
    world.pause(5.0 if long else 0.5)
    world.stack.odoo.start()
    world.fleet.thaw(readers)


def manychat_says_429(world: World, long: bool) -> None:
    _manychat_is(world, "busy", 12.0 if long else 3.0)


def manychat_breaks(world: World, long: bool) -> None:
    """500, an exception in a 200, and connections cut without a word."""
    for mood in ("broken", "exception", "dead"):
        _manychat_is(world, mood, 5.0 if long else 1.5)


def manychat_is_slow(world: World, long: bool) -> None:
    """It does what it was asked, and answers after the caller has hung up, or nearly."""
    world.page.seconds = 11.0 if long else 1.0
    _manychat_is(world, "slow", 25.0 if long else 4.0)


def _manychat_is(world: World, mood: str, seconds: float) -> None:
    world.page.mood = mood
    try:
        world.pause(seconds)
    finally:
        world.page.mood = "ok"


def _swallow(world: World, calls: int, seconds: float) -> None:
    before = world.odoo.swallowed
    world.odoo.swallow = True
    world.until(lambda: world.odoo.swallowed >= before + calls, seconds)
    world.odoo.behave()


FAULTS: Mapping[str, Fault] = {
    fault.__name__: fault
    for fault in (
        nothing_happens,
        api_is_killed,
        workers_are_killed,
        sigterm_rolls,
        azurite_restarts,
        odoo_is_killed_and_away,
        postgres_restarts,
        sql_is_cut_in_mid_transaction,
        queue_answers_500_and_503,
        queue_is_slow,
        queue_answers_are_lost,
        odoo_answers_are_lost,
        leases_run_out_in_mid_batch,
        feedback_is_killed,
        a_crowd_works_in_odoo,
        odoo_dies_before_its_changes_are_read,
        manychat_says_429,
        manychat_breaks,
        manychat_is_slow,
        odoo_answers_too_late,
        the_claim_runs_out,
    )
}
SLOW = ("odoo_answers_too_late", "the_claim_runs_out")
"""Too long for every run of the tests; the long run has them."""
