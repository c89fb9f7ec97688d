"""A person erased on the whole road: gone from the mirror and Odoo, and welcome to come back."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import requests

from devstack.places import CHECKOUT
from tests.e2e.conftest import SETTLE_SECONDS, Road

PERSON = {"nombre_lead": "Zoraida", "whatsapp": "+51 911 555 777", "ultimo_estado": "Nuevo"}


def new_lead(road: Road, manychat_id: str) -> int:
    road.send(("contact", {"manychat_id": manychat_id, **PERSON}))
    [lead] = road.leads(manychat_id)
    assert lead["contact_name"] == "Zoraida"
    lead_id: int = (road.contact(manychat_id) or {})["odoo_lead_id"]
    return lead_id


def lead_row(road: Road, lead_id: int) -> dict[str, Any]:
    fields = ["name", "contact_name", "phone", "manychat_id", "manychat_state"]
    rows: list[dict[str, Any]] = road.odoo("crm.lead", "read", [lead_id], fields)
    return rows[0]


def assert_erased(road: Road, lead_id: int) -> None:
    lead = lead_row(road, lead_id)
    assert "Zoraida" not in lead["name"]
    assert [lead[name] for name in ("contact_name", "phone", "manychat_state")] == [False] * 3
    messages = road.odoo(
        "mail.message", "search_count",
        [["model", "=", "crm.lead"], ["res_id", "=", lead_id], ["body", "ilike", "Zoraida"]],
    )  # fmt: skip
    assert messages == 0


def test_the_command_erases_both_sides_and_whoever_returns_starts_anew(road: Road) -> None:
    lead_id = new_lead(road, "gone-1")
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "erase", "gone-1"],
        cwd=CHECKOUT,
        env=road.stack.bridge.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "mirror: erased" in done.stdout
    assert "Odoo: erased" in done.stdout
    assert road.contact("gone-1") is None
    assert_erased(road, lead_id)
    road.send(("contact", {"manychat_id": "gone-1", "nombre_lead": "Otra vez"}))
    [lead] = road.leads("gone-1")
    assert (lead["contact_name"], lead["phone"]) == ("Otra vez", False)
    assert (road.contact("gone-1") or {})["odoo_lead_id"] != lead_id


def test_an_erasure_while_odoo_is_away_is_done_when_it_is_back(road: Road) -> None:
    lead_id = new_lead(road, "gone-2")
    contact_id = (road.contact("gone-2") or {})["id"]
    road.stack.odoo.stop()
    try:
        answer = requests.delete(
            f"{road.stack.bridge.api_url}/api/v1/contacts/{contact_id}",
            params={"erase": "true"},
            headers={"X-API-KEY": road.stack.bridge.api_key},
            timeout=10,
        )
        assert answer.status_code == 204
        assert road.contact("gone-2") is None
    finally:
        road.stack.odoo.start()
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline and lead_row(road, lead_id)["contact_name"]:
        time.sleep(0.2)
    assert_erased(road, lead_id)
