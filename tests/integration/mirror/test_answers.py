"""What Odoo's answers may and may not do to the mirror."""

from __future__ import annotations

import uuid
from typing import Any

from bridge.events.event import EventType
from bridge.mirror import claims, outbox, reports
from bridge.mirror.claims import OutboxRow
from tests.integration.mirror.conftest import NOW, Mirror


def assign(mirror: Mirror, campaign: str, at: str, revision: int = 0) -> None:
    body = {"manychat_id": "MC-1", "campaign_id": campaign, "ultimo_estado": "x",
            "datetime_actual": f"2025-10-20T{at}Z"}  # fmt: skip
    id = str(uuid.uuid5(uuid.NAMESPACE_DNS, campaign))
    mirror.deliver(mirror.envelope(EventType.ASSIGNMENT, body, id, revision=revision))


def claim(mirror: Mirror) -> list[OutboxRow]:
    with mirror.store.transaction() as session:
        return claims.claim(session, "one", 100, NOW, 60)


def record(mirror: Mirror, rows: list[OutboxRow], **answer: Any) -> None:
    usual = {"status": "updated", "unmapped": False, "retryable": False, "lead_id": 7,
             "stage": "x", "dates": {}, "message": None}  # fmt: skip
    answers = [usual | answer | {"event_id": row.event_id} for row in rows]
    with mirror.store.transaction() as session:
        outbox.record_results(session, rows, answers, NOW)


def statuses(mirror: Mirror) -> set[tuple[str, str]]:
    return {
        (row["odoo_sync_status"], row["sync_status"])
        for row in mirror.rows(
            'SELECT odoo_sync_status, sync_status FROM "Contact" c '
            'JOIN "Campaign_Contact" cc ON cc.contact_id = c.id'
        )
    }


def test_how_odoo_took_a_state_is_known_once_it_answered(mirror: Mirror) -> None:
    def outcome() -> str:
        with mirror.store.transaction() as session:
            return reports.outcome_of_state(session, "x")

    assign(mirror, "Otoño", "10:00:00")
    assert outcome() == "never sent"
    record(mirror, claim(mirror), unmapped=True)
    assert outcome() == "unmapped"
    assign(mirror, "Invierno", "11:00:00")
    record(mirror, claim(mirror))
    assert outcome() == "mapped"


def test_a_failed_call_shows_on_contact_and_campaign(mirror: Mirror) -> None:
    assign(mirror, "Otoño", "10:00:00")
    rows = claim(mirror)
    with mirror.store.transaction() as session:
        outbox.record_failure(session, rows, "odoo_error", NOW, max_attempts=1)
    assert statuses(mirror) == {("error", "error")}


def test_a_new_event_hides_no_error_and_a_mended_one_takes_its_own_away(mirror: Mirror) -> None:
    assign(mirror, "Otoño", "10:00:00")
    assign(mirror, "Invierno", "11:00:00")
    record(mirror, claim(mirror), status="rejected", lead_id=None, stage=None)
    assert statuses(mirror) == {("error", "error")}

    assign(mirror, "Verano", "12:00:00")
    assert statuses(mirror) == {("error", "error")}
    assign(mirror, "Otoño", "10:30:00", revision=1)
    assert statuses(mirror) == {("error", "error")}  # the other one's
    assign(mirror, "Invierno", "11:30:00", revision=1)
    assert statuses(mirror) == {("pending", "pending")}

    record(mirror, claim(mirror))
    assert statuses(mirror) == {("success", "success")}
    assign(mirror, "Primavera", "13:00:00")
    assert statuses(mirror) == {("pending", "pending")}


def test_an_answer_that_comes_after_the_row_is_done_changes_nothing(mirror: Mirror) -> None:
    assign(mirror, "Otoño", "10:00:00")
    rows = claim(mirror)
    record(mirror, rows)
    record(mirror, rows, status="rejected", retryable=True, lead_id=None, stage=None)
    assert statuses(mirror) == {("success", "success")}
    [row] = mirror.outbox()
    assert (row["status"], row["attempts"]) == ("success", 0)


def test_a_date_without_fractions_still_finds_its_campaign(mirror: Mirror) -> None:
    """Odoo keeps whole seconds, arrival times have microseconds."""
    assign(mirror, "Otoño", "10:05:00")
    assign(mirror, "Invierno", "10:20:00.5")
    record(mirror, claim(mirror), dates={"sale_order_date": "2025-10-20T10:20:00.000000Z"})
    dated = mirror.rows(
        'SELECT p.name FROM "Campaign_Contact" JOIN "Campaign" p ON p.id = campaign_id '
        "WHERE sale_order_date IS NOT NULL"
    )
    assert dated == [{"name": "Invierno"}]
