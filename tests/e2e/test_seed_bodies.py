"""The two webhook bodies of the user's own description, posted to a running road."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Road

CONTACT = {
    "manychat_id": "MC99999",
    "nombre_lead": "Ana",
    "apellido_lead": "García",
    "whatsapp": "+521234567891",
    "datetime_suscripcion": "2025-06-10T10:00:00Z",
    "datetime_actual": "2025-06-10T10:05:00Z",
    "ultimo_estado": "Nuevo Lead",
    "canal_entrada": "Facebook",
    "estado_inicial": "Nuevo",
}
ASSIGNMENT = {
    "manychat_id": "MC99999",
    "campaign_id": 85,
    "comercial_id": "700",
    "medico_id": "101",
    "datetime_actual": "2025-06-10T10:10:00Z",
    "ultimo_estado": "Asignado a campaña",
    "tipo_asignacion": "medico",
    "summary": "El cliente preguntó por el producto X y mostró interés en agendar una cita.",
}
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
