"""Pushing again over HTTP: what Odoo has not taken becomes due, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bridge.events.event import EventType
from bridge.mirror import claims, outbox
from tests.integration.mirror.conftest import NOW, Mirror
from tests.integration.mirror.test_records import Records

ROOT = "/api/v1/odoo"
LATER = NOW + timedelta(days=3650)


@pytest.fixture
def records(mirror: Mirror) -> Records:
    """MC-1 has a parked event and a synced one, MC-2 one that waits for its time."""
    for number, contact in enumerate(("MC-1", "MC-1", "MC-2")):
        body = {"manychat_id": contact, "campaign_id": "Otoño"}
        id = f"01975a3e-9c40-7c1e-8f0a-00000000000{number}"
        mirror.deliver(mirror.envelope(EventType.ASSIGNMENT, body, id, at=number))
    with mirror.store.transaction() as session:
        parked, synced, waiting = claims.claim(session, "w", 10, NOW, 60)
        outbox.record_failure(session, [parked], "odoo_error", NOW, max_attempts=1)
        outbox.record_failure(session, [waiting], "odoo_error", NOW)
        done = {"event_id": synced.event_id, "status": "updated", "unmapped": False,
                "retryable": False, "lead_id": 7, "stage": "x", "dates": {}}  # fmt: skip
        outbox.record_results(session, [synced], [done], NOW)
    return Records(mirror)


def due(mirror: Mirror) -> list[str]:
    with mirror.store.transaction() as session:
        rows = claims.claim(session, "w", 10, LATER - timedelta(days=1), 60)
    return [row.manychat_id for row in rows]


def statuses(mirror: Mirror) -> list[Any]:
    return mirror.rows(
        """SELECT manychat_id, odoo_sync_status AS contact, sync_status AS campaign
        FROM "Contact" c JOIN "Campaign_Contact" k ON k.contact_id = c.id ORDER BY manychat_id"""
    )


async def test_all_that_is_pending_or_in_error_becomes_due_parked_ones_too(
    records: Records,
) -> None:
    assert statuses(records.mirror)[0] == {
        "manychat_id": "MC-1", "contact": "error", "campaign": "error",
    }  # fmt: skip
    answer = await records("POST", "/odoo/sync")
    assert (answer.status, answer.json) == (
        202, {"status": "accepted", "manychat_id": "", "due": 2},
    )  # fmt: skip
    assert due(records.mirror) == ["MC-1", "MC-2"]
    assert {row["contact"] for row in statuses(records.mirror)} == {"pending"}
    assert {row["campaign"] for row in statuses(records.mirror)} == {"pending"}
    rows = records.mirror.outbox()
    assert [(row["status"], bool(row["parked"]), row["attempts"]) for row in rows] == [
        ("pending", False, 0), ("success", False, 0), ("pending", False, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(("contact", "count"), [("MC-1", 1), ("MC-2", 1)])
async def test_one_contact_may_be_meant(records: Records, contact: str, count: int) -> None:
    answer = await records("POST", "/odoo/sync", {"manychat_id": contact})
    assert (answer.status, answer.json["due"]) == (202, count)
    other = next(row for row in statuses(records.mirror) if row["manychat_id"] == "MC-1")
    assert other["contact"] == ("pending" if contact == "MC-1" else "error")


async def test_an_unknown_contact_is_not_found(records: Records) -> None:
    assert (await records("POST", "/odoo/sync", {"manychat_id": "MC-9"})).status == 404


@pytest.mark.parametrize("body", [{"manychat_id": 1.5}, {"manychat_id": ""}, {"all": True}])
async def test_a_body_of_no_meaning_pushes_nothing(records: Records, body: Any) -> None:
    before = records.mirror.outbox()
    assert (await records("POST", "/odoo/sync", body)).status == 422
    assert records.mirror.outbox() == before


@pytest.mark.parametrize("body", [None, {"cursor": 7}, ["x"]])
async def test_a_hint_is_accepted_whatever_it_says(records: Records, body: Any) -> None:
    answer = await records("POST", "/odoo/webhook", body)
    assert (answer.status, answer.json) == (202, {"status": "accepted"})


@pytest.mark.parametrize("path", ["sync", "webhook"])
async def test_the_webhook_key_pushes_nothing(records: Records, path: str) -> None:
    assert (await records.api.post(f"{ROOT}/{path}", {}, key="flow-key")).status == 403
