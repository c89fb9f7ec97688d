"""What is forgotten, and what never is."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from bridge.events.event import EventType
from bridge.mirror import claims, dead_letters, outbox
from bridge.mirror.retention import forget_events, forget_letters
from tests.integration.mirror.conftest import NOW, Mirror

BEFORE = NOW + timedelta(days=1)


def id_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def deliver(mirror: Mirror, name: str, revision: int = 0, now: Any = NOW, days: int = 0) -> None:
    body = {"manychat_id": "MC-1", "ultimo_estado": name}
    at = days * 24 * 60
    envelope = mirror.envelope(EventType.CONTACT, body, id_of(name), revision=revision, at=at)
    mirror.deliver(envelope, now=now)


def sync(mirror: Mirror, **answer: Any) -> None:
    later = NOW + timedelta(days=400)
    plain = {"status": "updated", "unmapped": False, "retryable": False, "lead_id": 7,
             "stage": "x", "dates": {}, "message": None}  # fmt: skip
    with mirror.store.transaction() as session:
        rows = claims.claim(session, "test", 100, later, 60)
        answers = [{**plain, **answer, "event_id": row.event_id} for row in rows]
        outbox.record_results(session, rows, answers, later, max_attempts=1)
        claims.release(session, "test")


def forget(mirror: Mirror, limit: int = 100) -> int:
    with mirror.store.transaction() as session:
        return forget_events(session, BEFORE, limit)


def known(mirror: Mirror) -> list[str]:
    ledger = {row["event_id"] for row in mirror.rows('SELECT event_id FROM "Ledger"')}
    assert ledger == {row["event_id"] for row in mirror.rows('SELECT event_id FROM "Outbox"')}
    return sorted(ledger)


def test_a_finished_event_is_forgotten_and_its_history_stays(mirror: Mirror) -> None:
    deliver(mirror, "old")
    sync(mirror)
    deliver(mirror, "new", now=NOW + timedelta(days=2), days=2)
    sync(mirror)
    before = mirror.picture()
    assert forget(mirror) == 1
    assert known(mirror) == [id_of("new")]
    after = mirror.picture()
    for kept in ("contacts", "states", "facts", "campaigns", "clocks"):
        assert after[kept] == before[kept]
    assert forget(mirror) == 0


@pytest.mark.parametrize("parked", [False, True])
def test_what_odoo_has_not_taken_is_kept(mirror: Mirror, parked: bool) -> None:
    deliver(mirror, "old")
    if parked:
        sync(mirror, status="rejected", lead_id=None)
    assert forget(mirror) == 0
    assert known(mirror) == [id_of("old")]


def test_what_was_mirrored_late_is_kept_as_long_as_if_it_had_come_then(mirror: Mirror) -> None:
    deliver(mirror, "old", revision=1, now=NOW + timedelta(days=300))
    sync(mirror)
    assert forget(mirror) == 0


def test_slices_are_as_small_as_asked(mirror: Mirror) -> None:
    for name in ("a", "b", "c"):
        deliver(mirror, name)
    sync(mirror)
    assert [forget(mirror, limit=2) for _ in range(3)] == [2, 1, 0]
    assert known(mirror) == []


def test_a_new_event_of_a_forgotten_contact_goes_on_where_it_was(mirror: Mirror) -> None:
    deliver(mirror, "old")
    sync(mirror)
    forget(mirror)
    deliver(mirror, "new", now=NOW + timedelta(days=200), days=200)
    assert [row["state"] for row in mirror.picture()["states"]] == ["old", "new"]


def test_old_dead_letters_go_and_young_ones_stay(mirror: Mirror) -> None:
    for days in (0, 2):
        letter = mirror.envelope(EventType.CONTACT, {"manychat_id": "MC-1"}, id_of(str(days)))
        with mirror.store.transaction() as session:
            dead_letters.record(
                session, [letter.with_reason("x", "api")], NOW + timedelta(days=days)
            )
    with mirror.store.transaction() as session:
        assert forget_letters(session, BEFORE, 100) == 1
        [left] = dead_letters.listing(session)
    assert left.event_id == id_of("2")
