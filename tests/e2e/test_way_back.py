"""The way back, on the whole road: what a person does in Odoo is in the mirror soon, and once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests

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


def documented_body(road: Road, method: str, path: str) -> dict[str, Any]:
    """The example that `/docs` shows of a route's body."""
    document = requests.get(f"{road.stack.bridge.api_url}/openapi.json", timeout=30).json()
    body = document["paths"][f"/api/v1{path}"][method]["requestBody"]
    example: dict[str, Any] = body["content"]["application/json"]["schema"]["example"]
    return example


CONTACTS = "/odoo/contacts/"


def test_the_documented_examples_of_contacts_in_odoo_work_as_written(road: Road) -> None:
    new = documented_body(road, "post", CONTACTS)
    made = road.api("POST", CONTACTS, new)
    assert made.status_code == 201, made.text
    contact = made.json()
    own, of_contact = f"{CONTACTS}{contact['id']}", f"{CONTACTS}by-manychat-id/{new['manychat_id']}"
    shown = new | {"country": contact["country"]}
    assert {key: contact[key] for key in new} == shown
    for path in (own, of_contact):
        assert road.api("GET", path).json() == contact
    found = road.api("GET", f"{CONTACTS}?manychat_id={new['manychat_id']}&sort=-name").json()
    assert (found["items"], found["total"]) == ([contact], 1)

    changed = documented_body(road, "put", f"{CONTACTS}{{id}}") | {"city": None}
    answer = road.api("PUT", own, changed)
    assert (answer.status_code, answer.json()["city"]) == (200, None), answer.text

    assert road.api("DELETE", own).status_code == 204
    assert road.api("GET", own).json()["active"] is False
    archived = road.api("GET", f"{CONTACTS}?active=false&manychat_id={new['manychat_id']}").json()
    assert [row["id"] for row in archived["items"]] == [contact["id"]]
    assert road.api("DELETE", f"{own}?hard=true").status_code == 204
    for path in (own, of_contact):
        assert road.api("GET", path).status_code == 404


def test_what_odoo_refuses_of_a_contact_is_told_and_changes_nothing(road: Road) -> None:
    logins = [["login", "=", road.stack.odoo.salesperson_login]]
    [user] = road.odoo("res.users", "search_read", logins, ["partner_id"])
    users, plain = f"{CONTACTS}{user['partner_id'][0]}", road.odoo(
        "res.partner", "create", {"name": "Sol", "email": "sol@mail.example"}
    )  # fmt: skip
    before = road.api("GET", users).json()
    nobody, own = f"{CONTACTS}2147483647", f"{CONTACTS}{plain}"
    for method, path, body, status in (
        ("PUT", users, {"email": "thief@mail.example"}, 409),
        ("DELETE", users, None, 409),
        ("DELETE", f"{own}?hard=true", None, 409),
        ("PUT", nobody, {"city": "Cusco"}, 404),
        ("DELETE", nobody, None, 404),
        ("GET", f"{CONTACTS}by-manychat-id/NOBODY", None, 404),
        ("POST", CONTACTS, {"name": "Sol", "country": "Atlantis"}, 422),
        ("POST", CONTACTS, {"phone": "987654321"}, 422),
        ("GET", f"{CONTACTS}?sort=phone", None, 422),
    ):
        answer = road.api(method, path, body)
        assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text
    assert road.api("GET", users).json() == before
    assert road.api("GET", own).json()["active"] is True


def test_while_odoo_is_away_its_contacts_are_answered_503(road: Road) -> None:
    road.stack.odoo.kill()
    try:
        for method, path in (("GET", CONTACTS), ("POST", CONTACTS), ("GET", f"{CONTACTS}1"),
                             ("PUT", f"{CONTACTS}1"), ("DELETE", f"{CONTACTS}1")):  # fmt: skip
            answer = road.api(method, path, {"name": "Sol"} if method in ("POST", "PUT") else None)
            assert (answer.status_code, answer.json()["type"]) == (503, "odoo-away"), answer.text
    finally:
        road.stack.odoo.start()


def test_changes_made_while_the_workers_are_down_are_read_afterwards(road: Road) -> None:
    lead = new_contact(road, "way-5")
    road.stack.bridge.kill_workers()
    for name in ("One", "Two", "Three"):
        road.odoo("crm.lead", "write", [lead], {"contact_name": name})
    road.stack.bridge.start_workers()
    wait_for(road, "way-5", lambda row: row["first_name"] == "Three")
