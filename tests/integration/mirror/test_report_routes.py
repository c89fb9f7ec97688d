"""Reports over HTTP: every part told truthfully, and numbers that add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import AwayError
from bridge.events.event import EventType
from bridge.mirror import claims, erasing_odoo, outbox, reconciliations
from tests.integration.mirror.conftest import Mirror
from tests.integration.mirror.test_records import Records

ID = "01975a3e-9c40-7c1e-8f0a-00000000000{}"


class Odoo:
    """An Odoo that answers, or is away."""

    failure: Exception | None = None

    def health(self) -> dict[str, Any]:
        if self.failure:
            raise self.failure
        return {
            "addon": "miasalud_crm",
            "version": "1.0.0",
            "series": "18.0",
            "mappings": 17,
            "unmapped": 2,
        }


@pytest.fixture
def records(mirror: Mirror) -> Records:
    return Records(mirror)


async def test_every_part_that_answers_is_told_with_what_it_says(records: Records) -> None:
    records.api.app.state.parts.odoo = Odoo()
    await records.made("/contacts/", manychat_id="MC-1")
    await records.api.post("/api/v1/manychat/webhook/contact", {"manychat_id": "1"})
    answer = await records("GET", "/reports/health")
    assert (answer.status, answer.json["status"]) == (200, "ok")
    parts = answer.json["parts"]
    assert parts["queue"]["detail"] == {
        "manychat-contact-queue": 1, "manychat-campaign-queue": 0, "dead-letter-queue": 0,
        "receive_lag_seconds": 7.2, "breaker_open": False,
        "receive_lag_by_queue": {"manychat-contact-queue": 7.2, "manychat-campaign-queue": 0.0},
    }  # fmt: skip
    assert parts["mirror"]["detail"] == {
        "contacts_pending": 1, "inbox": 0, "dead_letters": 0, "parked": 0, "erasures_owed": 0,
        "reconciliation": None,
    }  # fmt: skip
    assert parts["odoo"]["detail"]["version"] == "1.0.0"
    assert all(part["latency_ms"] >= 0 for part in parts.values())


async def test_what_odoo_still_has_to_erase_is_told(records: Records) -> None:
    made = await records.made("/contacts/", manychat_id="MC-1")
    await records("DELETE", f"/contacts/{made['id']}?erase=true")
    told = (await records("GET", "/reports/health")).json["parts"]["mirror"]["detail"]
    assert told["erasures_owed"] == 1
    with records.mirror.store.transaction() as session:
        [owed] = erasing_odoo.due(session, datetime.now(UTC), 5)
        erasing_odoo.record_done(session, owed, datetime.now(UTC))
    told = (await records("GET", "/reports/health")).json["parts"]["mirror"]["detail"]
    assert told["erasures_owed"] == 0


@pytest.mark.parametrize("away", ["queue", "mirror", "odoo"])
async def test_the_part_that_is_away_is_named_and_the_others_are_not(
    records: Records, away: str
) -> None:
    parts = records.api.app.state.parts
    parts.odoo = Odoo()
    if away == "queue":
        records.api.sender.away()
    elif away == "odoo":
        parts.odoo.failure = AwayError("odoo_unreachable")
    else:
        parts.desk = None
    answer = await records("GET", "/reports/health")
    statuses = {name: part["status"] for name, part in answer.json["parts"].items()}
    assert answer.status == 503
    assert statuses == {name: "away" if name == away else "ok" for name in statuses}
    assert answer.json["parts"][away]["code"]


async def test_an_odoo_that_is_not_configured_is_not_away(records: Records) -> None:
    answer = await records("GET", "/reports/health")
    assert (answer.status, answer.json["parts"]["odoo"]["status"]) == (200, "not configured")


async def test_the_numbers_add_up(records: Records) -> None:
    now = datetime.now(UTC)
    said = [
        (EventType.CONTACT, {"manychat_id": "A", "canal_entrada": "IG", "genero": "{{g}}"}),
        (EventType.STAGE, {"manychat_id": "A", "stage_manychat": "Raro"}),
        (EventType.STAGE, {"manychat_id": "B", "stage_manychat": "Raro"}),
    ]
    envelopes = [records.mirror.envelope(type, body, ID.format(number))
                 for number, (type, body) in enumerate(said)]  # fmt: skip
    records.mirror.deliver(*envelopes, now=now)
    with records.mirror.store.transaction() as session:
        rows = claims.claim(session, "one", 10, now, 60)
        answers = [{"event_id": row.event_id, "status": "updated", "unmapped": True,
                    "retryable": False, "lead_id": 7, "stage": "Nuevo", "dates": {},
                    "message": None} for row in rows[1:]]  # fmt: skip
        outbox.record_results(session, rows[1:], answers, now)
    found = (await records("GET", "/reports/statistics")).json
    assert found["contacts_by_channel"] == {"Instagram": 1}
    assert found["contacts_by_stage"] == {"Nuevo": 2}
    assert found["contacts_by_sync_status"] == {"pending": 1, "success": 1}
    assert found["states"] == found["unmapped_states"] == {"Raro": 2}
    assert found["events_24h"] == {"stage": 2, "contact": 1}
    assert found["events_last_hour"] == 3
    assert found["scrubbed_fields_24h"] == {"genero: placeholder": 1}
    assert found["lag_to_odoo"] == {"median": 0.0, "worst": 0.0}
    assert found["lag_to_mirror"]["worst"] > 0


async def test_an_empty_mirror_has_numbers_too(records: Records) -> None:
    found = (await records("GET", "/reports/statistics")).json
    assert found["lag_to_mirror"] == {"median": None, "worst": None}
    assert found["states"] == {}


@pytest.mark.parametrize("path", ["/api/v1/reports/health", "/api/v1/reports/statistics"])
async def test_the_webhook_key_opens_no_report(records: Records, path: str) -> None:
    assert (await records.api.get(path, key="flow-key")).status == 403
    assert (await records.api.get(path)).status == 401


async def test_the_last_comparison_is_told(records: Records) -> None:
    moment = datetime(2025, 10, 20, 22, tzinfo=UTC)
    with records.mirror.store.transaction() as session:
        begun = reconciliations.note_begun(session, "mirror", moment, fixed=True)
        counts = {"duplicate": 3, "older_in_odoo": 1}
        done = replace(begun, finished_at=moment, checked=9, counts=counts, mended={"duplicate": 2})
        reconciliations.save(session, done)
        reconciliations.note_begun(session, "mirror", moment)  # under way: not told
    answer = await records("GET", "/reports/health")
    assert answer.json["parts"]["mirror"]["detail"]["reconciliation"] == {
        "finished_at": "2025-10-20T22:00:00.000000Z", "checked": 9, "differences": 4,
        "duplicate": 3, "older_in_odoo": 1, "fixed": True, "left": 2,
    }  # fmt: skip
