"""The outbox: one claimer a contact, true statuses, Odoo's answers on contact and campaigns."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bridge.errors import TransientError
from bridge.events.event import EventType
from bridge.mirror import claims, outbox
from bridge.mirror.claims import OutboxRow
from tests.integration.mirror.conftest import NOW, Mirror

LATER = NOW + timedelta(hours=2)


def event_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def deliver(mirror: Mirror, name: str, minute: int = 0, **fields: Any) -> str:
    payload = {"manychat_id": "MC-1", "datetime_actual": f"2025-10-20T10:{minute:02d}:00Z"}
    kind = EventType.ASSIGNMENT if "campaign_id" in fields else EventType.CONTACT
    mirror.deliver(mirror.envelope(kind, payload | fields, event_id(name)))
    return event_id(name)


def claim(mirror: Mirror, holder: str = "one", now: Any = NOW) -> list[OutboxRow]:
    with mirror.store.transaction() as session:
        return claims.claim(session, holder, 100, now, 60)


def answer(row: OutboxRow, **fields: Any) -> dict[str, Any]:
    return {"event_id": row.event_id, "status": "updated", "unmapped": False, "retryable": False,
            "lead_id": 7, "stage": "Comienza Cotización", "dates": {}, "message": None,
            **fields}  # fmt: skip


def record(mirror: Mirror, rows: list[OutboxRow], *answers: dict[str, Any], **options: Any) -> None:
    with mirror.store.transaction() as session:
        outbox.record_results(session, rows, answers, NOW, **options)


def status(mirror: Mirror) -> str:
    [contact] = mirror.rows('SELECT odoo_sync_status FROM "Contact"')
    return str(contact["odoo_sync_status"])


def test_a_mirrored_event_waits_in_the_outbox_and_its_contact_is_pending(mirror: Mirror) -> None:
    id = deliver(mirror, "a", nombre_lead="Eva")
    [row] = claim(mirror)
    assert (row.event_id, row.manychat_id, row.attempts) == (id, "MC-1", 0)
    assert status(mirror) == "pending"


def test_odoos_answer_is_kept_on_contact_and_campaign(mirror: Mirror) -> None:
    deliver(mirror, "a", minute=5, campaign_id="Otoño", ultimo_estado="Comienza Cotización")
    [row] = claim(mirror)
    dates = {"quotation_start_date": "2025-10-20T10:05:00.000000Z", "unheard_of": "x"}
    record(mirror, [row], answer(row, dates=dates))

    assert status(mirror) == "success"
    [contact] = mirror.rows('SELECT odoo_lead_id, odoo_stage FROM "Contact"')
    assert contact == {"odoo_lead_id": 7, "odoo_stage": "Comienza Cotización"}
    [assigned] = mirror.rows(
        'SELECT quotation_start_date, lead_state, sync_status FROM "Campaign_Contact"'
    )
    assert str(assigned["quotation_start_date"]).startswith("2025-10-20 10:05:00")
    assert (assigned["lead_state"], assigned["sync_status"]) == ("Comienza Cotización", "success")
    assert claim(mirror) == []


def test_a_funnel_date_goes_to_the_campaign_that_was_in_force_then(mirror: Mirror) -> None:
    deliver(mirror, "a", minute=5, campaign_id="Otoño")
    deliver(mirror, "b", minute=20, campaign_id="Invierno")
    rows = claim(mirror)
    dates = {
        "commercial_assignment_date": "2025-10-20T10:10:00.000000Z",
        "sale_order_date": "2025-10-20T10:30:00.000000Z",
    }
    record(mirror, rows, *(answer(row, dates=dates) for row in rows))
    found = {
        row["name"]: (row["commercial_assignment_date"] is None, row["sale_order_date"] is None)
        for row in mirror.rows(
            "SELECT name, commercial_assignment_date, sale_order_date "
            'FROM "Campaign_Contact" JOIN "Campaign" p ON p.id = campaign_id'
        )
    }
    assert found == {"Otoño": (False, True), "Invierno": (True, False)}


def test_a_final_rejection_is_due_again_and_stays_an_error_until_then(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva")
    [row] = claim(mirror)
    record(mirror, [row], answer(row, status="rejected", lead_id=None, message="no"))
    assert status(mirror) == "error"
    assert claim(mirror) == []
    [again] = claim(mirror, now=LATER)
    assert again.attempts == 1
    record(mirror, [again], answer(again))
    assert status(mirror) == "success"


def test_a_wait_is_shortened_by_the_spread_and_grows(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva")
    waits = []
    for attempt in range(3):
        [row] = claim(mirror, now=NOW + timedelta(days=attempt))
        refused = answer(row, status="rejected", retryable=True, lead_id=None)
        record(mirror, [row], refused, spread=0.0)
        due = next(iter(mirror.outbox()))["next_attempt_at"]
        waits.append(datetime.fromisoformat(str(due)) - NOW.replace(tzinfo=None))
    assert [wait.total_seconds() for wait in waits] == [7.5, 30, 120]


def test_a_final_rejection_is_an_error_and_the_worst_row_wins(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva")
    deliver(mirror, "b", minute=1, nombre_lead="Evita")
    first, second = claim(mirror)
    bad = answer(first, status="rejected", lead_id=None, stage=None, message="values.phone: no")
    record(mirror, [first, second], bad, answer(second))
    assert status(mirror) == "error"
    rows = {row["event_id"]: row for row in mirror.outbox()}
    assert rows[first.event_id]["reason"] == "values.phone: no"
    assert rows[second.event_id]["status"] == "success"


def test_a_retryable_rejection_waits_and_is_parked_at_the_last_attempt(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva")
    for attempt in (1, 2):
        [row] = claim(mirror, now=NOW + timedelta(hours=attempt))
        refused = answer(row, status="rejected", retryable=True, lead_id=None, message="busy")
        record(mirror, [row], refused, max_attempts=2)
        assert status(mirror) == ("pending" if attempt == 1 else "error")
    [row] = mirror.outbox()
    assert (row["attempts"], bool(row["parked"]), row["reason"]) == (2, True, "busy")
    assert claim(mirror, now=LATER) == []


def test_a_retry_is_not_claimed_before_its_time(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva")
    rows = claim(mirror)
    with mirror.store.transaction() as session:
        outbox.record_failure(session, rows, "odoo_error: ValidationError", NOW)
    assert claim(mirror) == []
    assert [row.attempts for row in claim(mirror, now=LATER)] == [1]


def test_only_one_holder_claims_a_contact_until_the_claim_ends(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva")
    assert len(claim(mirror, "one")) == 1
    assert claim(mirror, "two") == []
    assert len(claim(mirror, "two", now=NOW + timedelta(seconds=61))) == 1
    assert claim(mirror, "one", now=NOW + timedelta(seconds=61)) == []
    with mirror.store.transaction() as session:
        claims.release(session, "two")
    assert len(claim(mirror, "one", now=NOW + timedelta(seconds=61))) == 1


def test_a_renewed_claim_lasts_and_a_lost_one_is_known(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva")
    claim(mirror, "one")
    with mirror.store.transaction() as session:
        assert claims.renew(session, "one", NOW + timedelta(seconds=50), 60) == 1
    assert claim(mirror, "two", now=NOW + timedelta(seconds=61)) == []
    assert len(claim(mirror, "two", now=NOW + timedelta(seconds=111))) == 1
    with mirror.store.transaction() as session:
        assert claims.renew(session, "one", NOW, 60) == 0


def test_what_waits_longest_is_claimed_first(mirror: Mirror) -> None:
    for number in range(6):
        at = 5 - number
        body = {"manychat_id": f"MC-{number}"}
        mirror.deliver(
            mirror.envelope(EventType.CONTACT, body, event_id(str(number)), at=at),
            now=NOW + timedelta(minutes=10),
        )
    with mirror.store.transaction() as session:
        rows = claims.claim(session, "one", 2, LATER, 60)
    assert [row.manychat_id for row in rows] == ["MC-5", "MC-4"]


def test_a_claim_leaves_other_contacts_to_others(mirror: Mirror) -> None:
    for number in range(40):
        body = {"manychat_id": f"MC-{number}"}
        mirror.deliver(mirror.envelope(EventType.CONTACT, body, event_id(str(number))))
    taken: list[set[str]] = []
    for holder in ("one", "two", "three"):
        with mirror.store.transaction() as session:
            rows = claims.claim(session, holder, 10, NOW, 60)
        taken.append({row.event_id for row in rows})
    assert [len(ids) for ids in taken] == [10, 10, 10]
    assert len(set.union(*taken)) == 30


def test_claimers_that_come_at_once_never_share_a_contact(mirror: Mirror) -> None:
    names = [(contact, event) for contact in range(30) for event in range(3)]
    for contact, event in names:
        body = {"manychat_id": f"MC-{contact}"}
        mirror.deliver(mirror.envelope(EventType.CONTACT, body, event_id(f"{contact}-{event}")))
    held: dict[str, str] = {}
    clashes: list[str] = []

    def work(holder: str) -> int:
        done = 0
        for _ in range(60):
            try:
                with mirror.store.transaction() as session:
                    rows = claims.claim(session, holder, 9, NOW, 60)
            except TransientError:  # they met at a lease row: nobody has it twice
                continue
            contacts = {row.manychat_id for row in rows}
            clashes.extend(one for one in contacts if held.setdefault(one, holder) != holder)
            record(mirror, rows, *(answer(row) for row in rows))
            for contact in contacts:
                held.pop(contact, None)
            with mirror.store.transaction() as session:
                claims.release(session, holder)
            done += len(rows)
        return done

    with ThreadPoolExecutor(3) as pool:
        done = sum(pool.map(work, ("one", "two", "three")))
    assert (clashes, done) == ([], len(names))


def test_an_answer_to_an_older_revision_leaves_the_newer_one_pending(mirror: Mirror) -> None:
    payload = {"manychat_id": "MC-1", "nombre_lead": "Eva"}
    mirror.deliver(mirror.envelope(EventType.CONTACT, payload, event_id("a")))
    [old] = claim(mirror)
    mended = mirror.envelope(EventType.CONTACT, payload, event_id("a"), revision=1)
    mirror.deliver(mended)
    record(mirror, [old], answer(old))
    assert status(mirror) == "pending"
    [row] = claim(mirror)
    assert row == replace(old, revision=1, clock=row.clock, body=row.body)


def test_a_redelivery_sends_nothing_to_odoo_again(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva")
    [row] = claim(mirror)
    record(mirror, [row], answer(row))
    before = mirror.picture()
    deliver(mirror, "a", nombre_lead="Eva")
    assert mirror.picture() == before
    assert status(mirror) == "success"


def test_an_older_revision_that_comes_late_changes_nothing(mirror: Mirror) -> None:
    payload = {"manychat_id": "MC-1", "nombre_lead": "Eva"}
    mended = mirror.envelope(
        EventType.CONTACT, payload | {"nombre_lead": "Evita"}, event_id("a"), revision=1
    )
    mirror.deliver(mended)
    before = mirror.picture()
    mirror.deliver(mirror.envelope(EventType.CONTACT, payload, event_id("a")))
    assert mirror.picture() == before
