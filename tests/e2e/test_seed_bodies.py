"""The examples of the customer's own description, posted to a running road."""

from __future__ import annotations

from typing import Any

import requests

from tests.e2e.conftest import Road
from tests.seed import blocks

CONTACT, ASSIGNMENT = (block.body for block in blocks()[:2])
BODIES = (("contact", CONTACT), ("campaign-assignment", ASSIGNMENT))


def seen_by_a_person(road: Road) -> dict[str, Any]:
    """The lead, its history tab and its chatter, as they stand."""
    [lead] = road.leads("MC99999")
    messages = road.odoo(
        "mail.message",
        "search_count",
        [["model", "=", "crm.lead"], ["res_id", "=", lead["id"]]],
    )
    return {"lead": lead, "history": road.history(lead["id"]), "messages": messages}


def test_the_seeds_two_bodies_end_as_one_lead_in_the_mapped_stage(road: Road) -> None:
    road.send(*BODIES)

    seen = seen_by_a_person(road)
    lead = seen["lead"]
    assert lead["stage_id"][1] == "Recién suscrito Pendiente de AC"
    assert lead["manychat_state"] == "Asignado a campaña"
    assert lead["contact_name"] == "Ana García"
    assert lead["source_id"][1] == "Facebook"
    assert lead["manychat_summary"] == ASSIGNMENT["summary"]
    assert (lead["manychat_commercial_ref"], lead["manychat_medical_ref"]) == ("700", "101")
    assert lead["commercial_assignment_date"] == "2025-06-10 10:10:00"
    assert [(row["state"], row["occurred_at"]) for row in seen["history"]] == [
        ("Nuevo Lead", "2025-06-10 10:05:00"),
        ("Asignado a campaña", "2025-06-10 10:10:00"),
    ]

    contact = road.contact("MC99999")
    assert contact is not None
    assert contact["odoo_sync_status"] == "success"
    assert contact["odoo_lead_id"] == lead["id"]
    [assigned] = road.sql("SELECT * FROM Campaign_Contact WHERE contact_id = :id", id=contact["id"])
    assert assigned["last_state"] == "Asignado a campaña"
    assert assigned["lead_state"] == "Recién suscrito Pendiente de AC"
    assert assigned["commercial_assignment_date"].startswith("2025-06-10 10:10:00")
    assert assigned["summary"] == ASSIGNMENT["summary"]


def test_the_same_bodies_again_change_nothing_that_a_person_sees(road: Road) -> None:
    road.send(*BODIES)
    before = seen_by_a_person(road)
    road.send(*BODIES)
    assert seen_by_a_person(road) == before


def test_the_same_idempotency_id_is_the_same_event(road: Road) -> None:
    body = {"manychat_id": "MC-TWICE", "nombre_lead": "Rosa", "event_id": "flow-7-run-1"}
    first, second = (road.post("contact", body).json()["event_id"] for _ in range(2))
    other = road.post("contact", body | {"nombre_lead": "Rosalía"}).json()["event_id"]
    assert first == second
    assert other != first
    road.settle([first, other])
    [row] = road.sql("SELECT COUNT(*) AS rows FROM Ledger WHERE event_id = :id", id=first)
    assert row["rows"] == 1


def test_every_example_ends_in_odoo_where_it_should_and_is_read_there_live(road: Road) -> None:
    bridge = road.stack.bridge
    key = {"X-API-KEY": bridge.api_key}
    for block in blocks():
        answer = requests.request(
            block.method,
            bridge.api_url + block.path,
            data=block.raw.encode(),
            headers=key | {"Content-Type": "application/json"},
            timeout=10,
        )
        assert answer.status_code in {200, 201, 202}, answer.text
        if answer.status_code == 202:
            road.settle([answer.json()["event_id"]])
    rows = road.sql("SELECT event_id FROM Outbox")
    road.settle([row["event_id"] for row in rows])

    url = f"{bridge.api_url}/api/v1/odoo/leads"
    lead = requests.get(f"{url}/by-manychat-id/MC99999", headers=key, timeout=10).json()
    assert (lead["stage"], lead["state"]) == ("Derivado Asesoría Médica", "Asignado a médico")
    assert lead["summary"] == "Conversación finalizada, cliente agendó consulta."
    assert (lead["commercial"], lead["medical"]) == ("700", "101")
    page = requests.get(f"{url}/?phone=521234567890", headers=key, timeout=10).json()
    [made] = page["items"]
    assert (made["manychat_id"], made["contact_name"]) == ("MC12345", "Juan Pérez")
    # the examples say `"channel_id": 1`: whichever channel this mirror met first
    [first] = road.sql("SELECT name FROM Channel WHERE id = 1")
    assert made["channel"] == first["name"]
    missing = requests.get(f"{url}/by-manychat-id/MC-NOBODY", headers=key, timeout=10)
    assert missing.status_code == 404


def test_a_dry_run_names_the_stage_that_the_body_then_leads_to(road: Road) -> None:
    body = {"manychat_id": "MC-DRY", "nombre_lead": "Rosa", "ultimo_estado": "comienza COTIZACION"}
    told = road.post("contact/check", body).json()
    assert (told["odoo"], told["lead"], told["lead_id"]) == ("answers", "create", None)
    assert told["rule"] == "Comienza Cotización"
    assert road.leads("MC-DRY") == []
    road.send(("contact", body))
    [lead] = road.leads("MC-DRY")
    assert lead["stage_id"][1] == told["next_stage"] == "Comienza Cotización"
