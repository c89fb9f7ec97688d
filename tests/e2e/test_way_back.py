"""The way back, on the whole road: what a person does in Odoo is in the mirror soon, and once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.e2e.conftest import Road

SOON_SECONDS = 30


def wait_for(road: Road, manychat_id: str, right: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until the contact's row in the mirror is `right`."""
    deadline = time.monotonic() + SOON_SECONDS
    row = road.contact(manychat_id) or {}
    while not right(row) and time.monotonic() < deadline:
        time.sleep(0.1)
        row = road.contact(manychat_id) or {}
    assert right(row), row


def lead_of(road: Road, manychat_id: str) -> int:
    lead: int = (road.contact(manychat_id) or {})["odoo_lead_id"]
    return lead


def new_contact(road: Road, manychat_id: str) -> int:
    """A contact in a campaign, whose lead Odoo has; the lead's id."""
    road.send(
        ("contact", {"manychat_id": manychat_id, "nombre_lead": "Eva", "ultimo_estado": "Nuevo"}),
        ("campaign-assignment", {"manychat_id": manychat_id, "campaign_id": "Way back"}),
    )
    return lead_of(road, manychat_id)


def outbox(road: Road) -> list[dict[str, Any]]:
    return road.sql("SELECT event_id, status FROM Outbox ORDER BY id")


def stage_named(road: Road, name: str) -> int:
    ids: list[int] = road.odoo("crm.stage", "search", [["name", "=", name]])
    return ids[0]


def test_a_move_and_what_was_typed_come_back_and_nothing_echoes(road: Road) -> None:
    lead = new_contact(road, "way-1")
    before = outbox(road)
    road.odoo(
        "crm.lead", "write", [lead],
        {"stage_id": stage_named(road, "Comienza Cotización"), "phone": "911 222 333"},
    )  # fmt: skip
    wait_for(road, "way-1", lambda row: row["odoo_stage"] == "Comienza Cotización")
    wait_for(road, "way-1", lambda row: row["phone"] == "+51911222333")
    [row] = road.sql(
        "SELECT lead_state FROM Campaign_Contact cc JOIN Contact c ON c.id = cc.contact_id "
        "WHERE c.manychat_id = 'way-1'"
    )
    assert row["lead_state"] == "Comienza Cotización"
    assert outbox(road) == before


def test_a_partners_edit_and_an_archive_come_back(road: Road) -> None:
    lead = new_contact(road, "way-2")
    partner = road.odoo("res.partner", "create", {"name": "Eva", "email": "eva@mail.example"})
    road.odoo("crm.lead", "write", [lead], {"partner_id": partner})
    road.odoo("res.partner", "write", [partner], {"name": "Eva Sol", "email": "sol@mail.example"})
    wait_for(road, "way-2", lambda row: row["email"] == "sol@mail.example")
    wait_for(road, "way-2", lambda row: row["first_name"] == "Eva Sol")
    road.odoo("crm.lead", "write", [lead], {"active": False})
    wait_for(road, "way-2", lambda row: row["odoo_active"] == 0)


def test_merged_contacts_share_the_lead_that_is_left(road: Road) -> None:
    first, second = new_contact(road, "way-3"), new_contact(road, "way-4")
    wizard = road.odoo(
        "crm.merge.opportunity", "create", {"opportunity_ids": [[6, 0, [first, second]]]}
    )
    road.odoo("crm.merge.opportunity", "action_merge", [wizard])
    kept = road.odoo("crm.lead", "search", [["id", "in", [first, second]]])
    assert len(kept) == 1
    for manychat_id in ("way-3", "way-4"):
        wait_for(road, manychat_id, lambda row: row["odoo_lead_id"] == kept[0])


def partner_of(road: Road, manychat_id: str) -> dict[str, Any]:
    """The contact's partner as the API shows it."""
    answer = road.api("GET", f"/odoo/contacts/by-manychat-id/{manychat_id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def test_a_partner_that_is_chosen_merged_and_archived_comes_back(road: Road) -> None:
    lead = new_contact(road, "way-6")
    before = outbox(road)
    chosen, other = (
        road.odoo("res.partner", "create", {"name": name, "email": "sol@mail.example"})
        for name in ("Sol", "Sol Paz")
    )
    road.odoo("crm.lead", "write", [lead], {"partner_id": other})
    wait_for(road, "way-6", lambda row: row["odoo_contact_id"] == other)
    wizard = road.odoo(
        "base.partner.merge.automatic.wizard", "create",
        {"partner_ids": [[6, 0, [chosen, other]]], "dst_partner_id": chosen},
    )  # fmt: skip
    road.odoo("base.partner.merge.automatic.wizard", "action_merge", [wizard])
    wait_for(road, "way-6", lambda row: row["odoo_contact_id"] == chosen)
    assert partner_of(road, "way-6")["id"] == chosen
    road.odoo("res.partner", "write", [chosen], {"active": False})
    wait_for(road, "way-6", lambda row: row["odoo_contact_active"] == 0)
    assert outbox(road) == before


def test_a_contact_that_is_written_through_the_api_comes_back_once(road: Road) -> None:
    new_contact(road, "way-7")
    body = {"manychat_id": "way-7", "name": "Luz Paz", "phone": "955 444 333"}
    made = road.api("POST", "/odoo/contacts/", body)
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    wait_for(road, "way-7", lambda row: row["odoo_contact_id"] == id)
    wait_for(road, "way-7", lambda row: row["phone"] == "+51955444333")
    before = outbox(road)
    changed = road.api("PUT", f"/odoo/contacts/{id}", {"email": "luz@mail.example"})
    assert changed.json()["email"] == "luz@mail.example"
    wait_for(road, "way-7", lambda row: row["email"] == "luz@mail.example")
    assert road.api("POST", "/odoo/contacts/", body).status_code == 409
    assert road.api("DELETE", f"/odoo/contacts/{id}?hard=true").status_code == 204
    wait_for(road, "way-7", lambda row: row["odoo_contact_id"] is None)
    assert road.api("GET", f"/odoo/contacts/{id}").status_code == 404
    assert outbox(road) == before


def test_changes_made_while_the_workers_are_down_are_read_afterwards(road: Road) -> None:
    lead = new_contact(road, "way-5")
    road.stack.bridge.kill_workers()
    for name in ("One", "Two", "Three"):
        road.odoo("crm.lead", "write", [lead], {"contact_name": name})
    road.stack.bridge.start_workers()
    wait_for(road, "way-5", lambda row: row["first_name"] == "Three")
