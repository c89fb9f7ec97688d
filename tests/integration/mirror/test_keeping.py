"""Inbox, dead letters, leases and reports."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import insert

from bridge.events.event import EventType
from bridge.mirror import dead_letters, inbox, lease, reports
from bridge.mirror.tables import Advisor
from tests.integration.mirror.conftest import NOW, Mirror


def event_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def test_the_inbox_gives_envelopes_back_in_order_and_keeps_each_once(mirror: Mirror) -> None:
    kept = [mirror.envelope(EventType.CONTACT, {"manychat_id": n}, event_id(n)) for n in "ab"]
    with mirror.store.transaction() as session:
        for envelope in [*kept, kept[0]]:
            inbox.keep(session, "manychat-contact-queue", envelope, NOW)
    with mirror.store.transaction() as session:
        waiting = inbox.oldest(session, 10)
        inbox.forget(session, [waiting[0].id])
    assert [entry.envelope for entry in waiting] == kept
    with mirror.store.transaction() as session:
        assert [entry.envelope for entry in inbox.oldest(session, 10)] == kept[1:]


def test_a_dead_letter_is_kept_once_for_each_hop(mirror: Mirror) -> None:
    dead = mirror.envelope(EventType.CONTACT, {"nombre_lead": "Eva"}, event_id("dead"))
    letters = [dead.with_reason("no_manychat_id: absent", hop) for hop in ("api", "worker", "api")]
    for letter in letters:
        with mirror.store.transaction() as session:
            dead_letters.record(session, [letter], NOW)
    with mirror.store.transaction() as session:
        found = dead_letters.listing(session)
        assert dead_letters.count(session) == 2
    assert {(letter.hop, letter.reason) for letter in found} == {
        ("api", "no_manychat_id: absent"),
        ("worker", "no_manychat_id: absent"),
    }
    [row, _] = mirror.rows('SELECT payload FROM "Dead_Letter"')
    assert row["payload"] == '{"nombre_lead":"Eva"}'


@pytest.mark.parametrize(("seconds", "taken"), [(59, False), (60, True)])
def test_a_lease_is_free_again_when_it_ran_out(mirror: Mirror, seconds: int, taken: bool) -> None:
    with mirror.store.transaction() as session:
        assert lease.acquire(session, "job", "one", NOW, 60)
        assert lease.acquire(session, "job", "one", NOW, 60)
    with mirror.store.transaction() as session:
        later = NOW + timedelta(seconds=seconds)
        assert lease.acquire(session, "job", "two", later, 60) is taken


def test_only_its_holder_gives_a_lease_back(mirror: Mirror) -> None:
    with mirror.store.transaction() as session:
        lease.acquire(session, "job", "one", NOW, 60)
        lease.release(session, "job", "two")
        assert not lease.acquire(session, "job", "two", NOW, 60)
        lease.release(session, "job", "one")
        assert lease.acquire(session, "job", "two", NOW, 60)


def test_reports_tell_where_a_contact_and_its_events_stand(mirror: Mirror) -> None:
    id = event_id("a")
    mirror.deliver(mirror.envelope(EventType.CONTACT, {"manychat_id": "MC-1"}, id))
    with mirror.store.transaction() as session:
        assert reports.lookup(session, "mc-1") is None
        found = reports.lookup(session, "MC-1")
        [row] = reports.trace(session, [id, event_id("unknown")])
        counted = reports.counts(session)
    assert found is not None
    assert found.sync_status == "pending"
    assert (row.event_id, row.mirrored_at, row.synced_at, row.status) == (id, NOW, None, "pending")
    assert counted == {
        "contacts_pending": 1,
        "inbox": 0,
        "dead_letters": 0,
        "parked": 0,
        "erasures_owed": 0,
    }


def test_the_look_up_tells_the_advisors_of_the_campaign_in_force_and_the_last_state(
    mirror: Mirror,
) -> None:
    with mirror.store.transaction() as session:
        session.execute(insert(Advisor), [{"name": "Ana Ruiz", "email": "ana@example.com"}])
    said = [
        (5, {"campaign_id": "Otoño", "comercial_id": "old@example.com", "ultimo_estado": "A"}),
        (9, {"campaign_id": "Invierno", "comercial_id": "ana@example.com", "medico_id": "101",
             "ultimo_estado": "B"}),
        (7, {"ultimo_estado": "C"}),
    ]  # fmt: skip
    for minute, fields in said:
        body = {"manychat_id": "MC-1", "datetime_actual": f"2025-10-20T10:0{minute}:00Z", **fields}
        mirror.deliver(mirror.envelope(EventType.ASSIGNMENT, body, event_id(f"said-{minute}")))
    with mirror.store.transaction() as session:
        found = reports.lookup(session, "MC-1")
    assert found is not None
    assert (found.commercial, found.medical, found.state) == ("Ana Ruiz", "101", "B")


def test_the_look_up_tells_an_advisor_without_a_campaign(mirror: Mirror) -> None:
    body = {"manychat_id": "MC-1", "comercial_id": "700"}
    mirror.deliver(mirror.envelope(EventType.ASSIGNMENT, body, event_id("a")))
    with mirror.store.transaction() as session:
        found = reports.lookup(session, "MC-1")
    assert found is not None
    assert (found.commercial, found.medical, found.state) == ("700", None, None)
