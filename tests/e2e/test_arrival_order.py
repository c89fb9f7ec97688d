"""Any arrival order of one conversation ends the same, in the mirror and in Odoo."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from tests.e2e.conftest import Road

CONVERSATION: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "contact",
        {
            "nombre_lead": "Luz",
            "apellido_lead": "Quispe",
            "whatsapp": "987654300",
            "canal_entrada": "ig",
            "estado_inicial": "Nuevo",
            "datetime_actual": "2025-07-01T09:00:00-05:00",
        },
    ),
    (
        "campaign-assignment",
        {
            "campaign_id": "Invierno",
            "comercial_id": "asesora.uno@example.com",
            "ultimo_estado": "Asignado a campaña",
            "datetime_actual": "2025-07-01T09:10:00-05:00",
        },
    ),
    (
        "stage-change",
        {
            "stage_manychat": "Comienza Atención Comercial",
            "datetime_actual": "2025-07-01T09:20:00-05:00",
        },
    ),
    (
        "stage-change",
        {
            "stage_manychat": "Comienza Cotización",
            "summary": "Pide precio",
            "datetime_actual": "2025-07-01T09:30:00-05:00",
        },
    ),
)
OWN_NAMES = {"id", "manychat_id", "name"}


def test_all_permutations_of_a_short_conversation_end_the_same(road: Road) -> None:
    orders = list(permutations(range(len(CONVERSATION))))
    for place in range(len(CONVERSATION)):
        road.send(*(_post(f"MC-ORDER-{n}", order[place]) for n, order in enumerate(orders)))

    ends = [_end(road, f"MC-ORDER-{n}") for n in range(len(orders))]
    assert ends[0]["lead"]["stage_id"][1] == "Comienza Cotización"
    assert ends[0]["contact"]["first_name"] == "Luz"
    for order, end in zip(orders, ends, strict=True):
        assert end == ends[0], f"arrival order {order} ended otherwise"


def _post(manychat_id: str, index: int) -> tuple[str, dict[str, Any]]:
    kind, body = CONVERSATION[index]
    return kind, {"manychat_id": manychat_id} | body


def _end(road: Road, manychat_id: str) -> dict[str, Any]:
    [lead] = road.leads(manychat_id)
    contact = road.contact(manychat_id)
    assert contact is not None
    states = road.sql(
        "SELECT state, category, occurred_at FROM Contact_State "
        "WHERE contact_id = :id ORDER BY clock",
        id=contact["id"],
    )
    assigned = road.sql(
        "SELECT * FROM Campaign_Contact WHERE contact_id = :id ORDER BY registration_date",
        id=contact["id"],
    )
    columns = ("first_name", "last_name", "phone", "email", "initial_state", "channel_id")
    return {
        "lead": {name: value for name, value in lead.items() if name not in OWN_NAMES},
        "history": road.history(lead["id"]),
        "contact": {name: contact[name] for name in (*columns, "odoo_sync_status")},
        "states": states,
        "assigned": [
            {k: v for k, v in row.items() if k not in {"id", "contact_id"}} for row in assigned
        ],
    }
