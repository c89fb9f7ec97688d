"""Workers that meet at the same contacts: nothing lost, nothing doubled, no ring of waits."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bridge.errors import BridgeError, TransientError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror import claims, outbox
from tests.integration.mirror.conftest import NOW, Mirror

CONTACTS = [f"MC-{number}" for number in range(12)]
ROUNDS = 12


def events(mirror: Mirror, name: str, contacts: Sequence[str]) -> list[Envelope]:
    made = []
    for contact in contacts:
        id = str(uuid.uuid5(uuid.NAMESPACE_DNS, name + contact))
        body = {"manychat_id": contact, "campaign_id": "Otoño", "ultimo_estado": name}
        made.append(mirror.envelope(EventType.ASSIGNMENT, body, id))
    return made


def until_done(work: Callable[[], None]) -> int:
    """Run `work` until it raises nothing transient; how often it did."""
    for tries in range(50):
        try:
            work()
        except TransientError:
            time.sleep(0.01 * tries)
        else:
            return tries
    raise AssertionError("never went through")


def together(*works: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(work) for work in works]]


def test_two_workers_with_the_same_new_contacts_end_as_one_worker_does(mirror: Mirror) -> None:
    first, second = events(mirror, "uno", CONTACTS), events(mirror, "dos", CONTACTS[::-1])
    shared = events(mirror, "tres", CONTACTS)
    together(
        lambda: until_done(lambda: mirror.deliver(*first, *shared)),
        lambda: until_done(lambda: mirror.deliver(*second, *shared[::-1])),
    )
    found = mirror.picture()
    assert [row["manychat_id"] for row in found["contacts"]] == sorted(CONTACTS)
    assert len(found["states"]) == len(found["ledger"]) == len(found["outbox"]) == 36
    assert len(found["campaigns"]) == len(CONTACTS)
    assert mirror.rows('SELECT name FROM "Campaign"') == [{"name": "Otoño"}]


def test_answers_and_new_events_of_the_same_contacts_never_wait_in_a_ring(mirror: Mirror) -> None:
    mirror.deliver(*events(mirror, "start", CONTACTS))
    failures: list[BridgeError] = []

    def guarded(work: Callable[[], None]) -> None:
        for _ in range(ROUNDS):
            try:
                work()
            except BridgeError as error:
                failures.append(error)

    def apply() -> None:
        mirror.deliver(*events(mirror, str(uuid.uuid4()), CONTACTS))

    def answer() -> None:
        with mirror.store.transaction() as session:
            rows = claims.claim(session, "one", 100, NOW, 60)
        usual = {"status": "updated", "unmapped": False, "retryable": False, "lead_id": 7,
                 "stage": "x", "dates": {}, "message": None}  # fmt: skip
        rows.sort(key=lambda row: row.manychat_id)
        with mirror.store.transaction() as session:
            answers = [usual | {"event_id": row.event_id} for row in rows]
            outbox.record_results(session, rows, answers, NOW)

    together(lambda: guarded(apply), lambda: guarded(answer))
    assert failures == []
