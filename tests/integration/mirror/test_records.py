"""The mirror's records over HTTP, on real databases: the seed's bodies, edits and their road."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bridge.api.app import create_app
from bridge.api.mirror_desk import MirrorDesk
from bridge.api.parts import Parts
from bridge.api.record_lists import orders
from bridge.api.record_rows import ROWS
from bridge.errors import AwayError
from bridge.events.event import EventType
from bridge.mirror.records import KINDS
from tests.integration.mirror.conftest import Mirror
from tests.unit.api.conftest import ADMIN, Answer, Api, FakeInbox, FakeSender, make_settings

ROOT = "/api/v1"


class Records:
    """Calls the routes with the full key."""

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror
        sender, inbox = FakeSender(), FakeInbox()
        parts = Parts(sender, inbox, MirrorDesk(mirror.store))
        self.api = Api(create_app(make_settings(), parts), sender, inbox)

    async def __call__(self, method: str, path: str, body: Any = None) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        return await self.api.call(method, f"{ROOT}{path}", content, key=ADMIN)

    async def made(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self("POST", path, body)
        assert answer.status == 201, answer.content
        return dict(answer.json)


@pytest.fixture
def records(mirror: Mirror) -> Records:
    return Records(mirror)


@pytest.mark.parametrize("name", KINDS)
def test_the_document_shows_every_column_that_a_record_has(name: str) -> None:
    assert set(ROWS[name].model_fields) == set(KINDS[name].shown)
    assert orders(name) == [*ROWS[name].model_fields, *(f"-{c}" for c in ROWS[name].model_fields)]


async def test_the_seeds_example_bodies_work_as_written(records: Records) -> None:
    channel = await records.made(
        "/channels/", name="Facebook Messenger", description="Canal oficial de Facebook"
    )
    contact = await records.made(
        "/contacts/", manychat_id="MC12345", first_name="Juan", last_name="Pérez",
        phone="+521234567890", channel_id=channel["id"],
    )  # fmt: skip
    campaign = await records.made(
        "/campaigns/", name="Campaña Invierno 2025", date_start="2025-06-12T14:49:28.163Z",
        date_end="2025-12-31T23:59:59.000Z", budget=50000, status="Activa",
        channel_id=channel["id"],
    )  # fmt: skip
    advisor = await records.made(
        "/advisors/", name="Dra. Laura", email="laura@ejemplo.com", phone="+521234567891"
    )
    assert contact["channel_id"] == channel["id"]
    assert (contact["phone"], contact["odoo_sync_status"]) == ("+521234567890", "pending")
    assert campaign["budget"] == 50000
    assert campaign["date_start"] == "2025-06-12T14:49:28.163000Z"
    assert (advisor["is_active"], advisor["created_at"] is not None) == (True, True)


async def test_what_is_written_about_a_contact_flows_to_odoo_and_null_clears(
    records: Records,
) -> None:
    made = await records.made("/contacts/", manychat_id=77, first_name="Eva", phone="987654321")
    path = f"/contacts/{made['id']}"
    patched = await records("PATCH", path, {"last_name": "Luna", "phone": None})
    assert (patched.status, patched.json["manychat_id"]) == (200, "77")
    assert (patched.json["first_name"], patched.json["phone"]) == ("Eva", None)
    put = await records("PUT", path, {"email": "eva@example.com"})
    assert (put.status, put.json["first_name"], put.json["email"]) == (200, None, "eva@example.com")
    bodies = [row["body"] for row in records.mirror.outbox()]
    assert [body["type"] for body in bodies] == ["update"] * 3
    assert bodies[0]["values"] == {"first_name": "Eva", "phone": "+51987654321"}
    assert bodies[1]["values"] == {"last_name": "Luna", "phone": False}
    assert bodies[2]["values"]["first_name"] is False


async def test_an_older_event_does_not_undo_an_edit(records: Records) -> None:
    made = await records.made("/contacts/", manychat_id="MC-1", first_name="Eva")
    payload = {"manychat_id": "MC-1", "nombre_lead": "Vieja", "apellido_lead": "Luna",
               "datetime_actual": "2025-10-20T10:00:00Z"}  # fmt: skip
    id = "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b"
    records.mirror.deliver(records.mirror.envelope(EventType.CONTACT, payload, id))
    read = await records("GET", f"/contacts/{made['id']}")
    assert (read.json["first_name"], read.json["last_name"]) == ("Eva", "Luna")


async def test_a_contact_in_a_campaign_is_edited_through_its_facts(records: Records) -> None:
    contact = await records.made("/contacts/", manychat_id="MC-1")
    campaign = await records.made("/campaigns/", name="Otoño")
    advisor = await records.made("/advisors/", name="Ana", email="ana@example.com")
    keys = {"contact_id": contact["id"], "campaign_id": campaign["id"]}
    made = await records.made(
        "/campaign-contacts/", **keys, commercial_advisor_id=advisor["id"],
        last_state="Asignado a campaña", summary="Llama",
    )  # fmt: skip
    assert (made["last_state"], made["summary"]) == ("Asignado a campaña", "Llama")
    path = f"/campaign-contacts/{made['id']}"
    changed = await records(
        "PATCH", path, {"sale_order_date": "2025-06-10T11:00:00Z", "commercial_advisor_id": None}
    )
    assert changed.json["id"] == made["id"]
    assert changed.json["sale_order_date"] == "2025-06-10T11:00:00Z"
    assert changed.json["commercial_advisor_id"] is None
    again = {key: value for key, value in changed.json.items()
             if key in keys or key.endswith("_date") or key == "last_state"}  # fmt: skip
    put = await records("PUT", path, again)
    assert (put.status, put.json["summary"], put.json["sale_order_date"]) == (
        200, None, "2025-06-10T11:00:00Z",
    )  # fmt: skip
    values = [row["body"]["values"] for row in records.mirror.outbox()]
    assert values[1]["campaign"] == {"id": campaign["id"], "name": "Otoño"}
    assert values[1]["commercial"]["id"] == advisor["id"]
    assert values[2] == {"commercial": False}
    assert values[3] == {"commercial": False, "medical": False, "summary": False}
    assert len((await records("GET", f"/contacts/{contact['id']}/history")).json) == 1


async def test_the_history_tells_every_state_in_the_order_of_its_times(records: Records) -> None:
    for number, (minute, state) in enumerate(((5, "B"), (1, "A"), (7, "B"))):
        body = {"manychat_id": "MC-1", "stage_manychat": state,
                "datetime_actual": f"2025-10-20T10:0{minute}:00Z"}  # fmt: skip
        id = f"01975a3e-9c40-7c1e-8f0a-00000000000{number}"
        records.mirror.deliver(records.mirror.envelope(EventType.STAGE, body, id, at=number))
    [contact] = (await records("GET", "/contacts/?manychat_id=MC-1")).json["items"]
    steps = (await records("GET", f"/contacts/{contact['id']}/history")).json
    assert [(step["state"], step["changed"]) for step in steps] == [
        ("A", True), ("B", True), ("B", False),
    ]  # fmt: skip
    assert steps[0]["occurred_at"] == "2025-10-20T10:01:00Z"
    assert steps[0]["received_at"] == "2025-10-20T22:01:00Z"
    assert (await records("GET", "/contacts/999999/history")).status == 404


async def test_a_list_has_pages_order_filters_and_a_total(records: Records) -> None:
    for number in range(5):
        await records.made(
            "/contacts/", manychat_id=f"MC-{number}", first_name="ABCDE"[number],
            phone=f"+5198765432{number}", email=f"c{number}@Example.com",
        )  # fmt: skip
    page = (await records("GET", "/contacts/?page=2&size=2&sort=-first_name")).json
    assert [row["first_name"] for row in page["items"]] == ["C", "B"]
    assert (page["total"], page["page"], page["size"], page["pages"]) == (5, 2, 2, 3)
    for query in ("manychat_id=MC-3", "phone=987654323", "phone=+51987654323",
                  "email=c3@EXAMPLE.com"):  # fmt: skip
        found = (await records("GET", f"/contacts/?{query}")).json
        assert [row["manychat_id"] for row in found["items"]] == ["MC-3"], query
    assert (await records("GET", "/contacts/?manychat_id=mc-3")).json["total"] == 0
    assert (await records("GET", "/contacts/?manychat_id=nobody")).json["pages"] == 0


@pytest.mark.parametrize(
    "query", ["size=201", "size=0", "page=0", "sort=nothing", "sort=manychat_digest", "colour=red",
              "channel_id=x", "channel_id=99999999999"],
)  # fmt: skip
async def test_a_list_that_cannot_be_meant_is_refused(records: Records, query: str) -> None:
    answer = await records("GET", f"/contacts/?{query}")
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/contacts/", {"manychat_id": "1", "odoo_lead_id": 7, "odoo_sync_status": "success"},
         "odoo_lead_id, odoo_sync_status"),
        ("/contacts/", {"manychat_id": "1", "colour": "red"}, "colour"),
        ("/contacts/", {"manychat_id": 1.5}, "manychat_id"),
        ("/contacts/", {"manychat_id": False}, "manychat_id"),
        ("/contacts/", {"manychat_id": "1", "channel_id": True}, "channel_id"),
        ("/campaigns/", {"name": "A", "budget": True}, "budget"),
        ("/campaigns/", {"name": "A", "date_end": False}, "date_end"),
        ("/advisors/", {"name": "A", "is_active": 0}, "is_active"),
        ("/contacts/", {"manychat_id": "{{user_id}}"}, "manychat_id"),
        ("/contacts/", {"first_name": "Eva"}, "manychat_id"),
        ("/contacts/", {"manychat_id": "1", "channel_id": 999}, "channel_id"),
        ("/contacts/", {"manychat_id": "1", "email": "nobody"}, "email"),
        ("/contacts/", {"manychat_id": "1", "entry_date": "mañana"}, "entry_date"),
        ("/channels/", {"name": " "}, "name"),
        ("/advisors/", {"name": "Ana", "odoo_id": 3, "id": 4}, "id, odoo_id"),
        ("/campaigns/", {"name": "A", "budget": -1}, "budget"),
        ("/campaigns/", {"name": "A", "channel_id": 999}, "channel_id"),
        ("/campaign-contacts/", {"contact_id": 999, "campaign_id": 999}, "contact_id"),
        ("/contacts/", [1], "object"),
    ],
)  # fmt: skip
async def test_what_cannot_be_written_is_refused_by_name(
    records: Records, path: str, body: Any, named: str
) -> None:
    answer = await records("POST", path, body)
    assert answer.status == 422
    assert named in answer.content.decode()
    assert records.mirror.outbox() == []


async def test_what_stands_against_another_row_is_a_conflict(records: Records) -> None:
    contact = await records.made("/contacts/", manychat_id="MC-1")
    channel = await records.made("/channels/", name="Boca a boca")
    await records.made("/advisors/", name="Ana", email="ana@example.com")
    campaign = await records.made("/campaigns/", name="Otoño", channel_id=channel["id"])
    keys = {"contact_id": contact["id"], "campaign_id": campaign["id"]}
    assigned = await records.made("/campaign-contacts/", **keys)
    for method, path, body in (
        ("POST", "/contacts/", {"manychat_id": "MC-1"}),
        ("PATCH", f"/contacts/{contact['id']}", {"manychat_id": "MC-2"}),
        ("POST", "/channels/", {"name": "BOCA A BOCA"}),
        ("POST", "/advisors/", {"name": "Eva", "email": "ANA@example.com"}),
        ("POST", "/campaign-contacts/", keys),
        ("DELETE", f"/channels/{channel['id']}", None),
        ("DELETE", f"/campaigns/{campaign['id']}", None),
        ("DELETE", f"/contacts/{contact['id']}", None),
    ):
        answer = await records(method, path, body)
        assert answer.status == 409, path
        assert re.search("manychat_id|name|email|already|still used", answer.json["detail"])
    for path in (f"/campaign-contacts/{assigned['id']}", f"/contacts/{contact['id']}",
                 f"/campaigns/{campaign['id']}", f"/channels/{channel['id']}"):  # fmt: skip
        assert (await records("DELETE", path)).status == 204
        assert (await records("GET", path)).status == 404
    assert records.mirror.picture()["ledger"] == []


async def test_the_same_name_may_be_written_again_by_its_own_row(records: Records) -> None:
    channel = await records.made("/channels/", name="Boca a boca")
    put = await records("PUT", f"/channels/{channel['id']}", {"name": "Boca a Boca"})
    assert (put.status, put.json["name"], put.json["description"]) == (200, "Boca a Boca", None)
    assert (await records("PATCH", f"/channels/{channel['id']}", {"name": None})).status == 422


@pytest.mark.parametrize("name", ["contacts", "campaigns", "channels", "advisors"])
async def test_a_row_that_is_not_there_is_not_found(records: Records, name: str) -> None:
    identity = {"manychat_id": "1"} if name == "contacts" else {"name": "x"}
    for method, body in (("GET", None), ("PUT", identity), ("PATCH", {}), ("DELETE", None)):
        assert (await records(method, f"/{name}/999999", body)).status == 404


async def test_a_removed_campaign_contact_does_not_come_back_with_the_next_event(
    records: Records,
) -> None:
    for number, (campaign, minute) in enumerate((("Otoño", 1), ("Invierno", 5))):
        body = {"manychat_id": "MC-1", "campaign_id": campaign, "comercial_id": "7",
                "datetime_actual": f"2025-10-20T10:0{minute}:00Z"}  # fmt: skip
        id = f"01975a3e-9c40-7c1e-8f0a-00000000000{number}"
        records.mirror.deliver(records.mirror.envelope(EventType.ASSIGNMENT, body, id))
    rows = (await records("GET", "/campaign-contacts/?manychat_id=MC-1&sort=-id")).json["items"]
    assert (await records("DELETE", f"/campaign-contacts/{rows[0]['id']}")).status == 204
    body = {"manychat_id": "MC-1", "stage_manychat": "Nuevo"}
    id = "01975a3e-9c40-7c1e-8f0a-000000000009"
    records.mirror.deliver(records.mirror.envelope(EventType.STAGE, body, id))
    left = (await records("GET", "/campaign-contacts/?manychat_id=MC-1")).json["items"]
    assert [(row["campaign_id"], row["last_state"]) for row in left] == [
        (rows[1]["campaign_id"], "Nuevo")
    ]


@pytest.mark.parametrize("path", ["/contacts/", "/contacts/1", "/campaign-contacts/", "/advisors/"])
async def test_the_webhook_key_opens_no_record(records: Records, path: str) -> None:
    answer = await records.api.get(f"{ROOT}{path}", key="flow-key")
    assert answer.status == 403


UPDATE = "/manychat/campaign-contacts/update-by-manychat-id"
SEED_UPDATE = {
    "manychat_id": "MC99999",
    "campaign_id": 85,
    "medical_advisor_id": 101,
    "medical_assignment_date": "2025-06-10T11:00:00Z",
    "last_state": "Asignado a médico",
    "summary": "Conversación finalizada, cliente agendó consulta.",
}


async def test_the_seeds_update_body_makes_the_campaign_of_a_known_contact(
    records: Records,
) -> None:
    await records.made("/contacts/", manychat_id="MC99999")
    answer = await records("PUT", UPDATE, SEED_UPDATE)
    assert (answer.status, answer.json["status"], answer.json["warnings"]) == (200, "updated", "")
    row = answer.json["campaign_contact"]
    assert row["medical_assignment_date"] == "2025-06-10T11:00:00Z"
    assert (row["last_state"], row["medical_advisor_ref"]) == ("Asignado a médico", "101")
    campaign = await records("GET", f"/campaigns/{row['campaign_id']}")
    assert (campaign.json["name"], campaign.json["status"]) == ("85", "unconfirmed")
    assert records.api.sender.kept == []

    newest = await records("PUT", UPDATE, {"manychat_id": "MC99999", "summary": None})
    assert newest.json["campaign_contact"]["id"] == row["id"]
    assert newest.json["campaign_contact"]["summary"] is None
    assert newest.json["campaign_contact"]["last_state"] == "Asignado a médico"


async def test_an_update_of_an_unknown_contact_is_queued_and_ends_the_same(
    records: Records,
) -> None:
    answer = await records("PUT", UPDATE, SEED_UPDATE)
    [(queue, envelope)] = records.api.sender.kept
    assert (answer.status, answer.json["status"]) == (202, "queued")
    assert queue == answer.json["queue"] == "manychat-campaign-queue"
    assert (envelope.type, envelope.payload) == (EventType.UPDATE, SEED_UPDATE)
    assert records.mirror.picture()["contacts"] == []
    records.mirror.deliver(envelope)
    [row] = (await records("GET", "/campaign-contacts/?manychat_id=MC99999")).json["items"]
    assert (row["last_state"], row["medical_advisor_ref"]) == ("Asignado a médico", "101")


async def test_an_update_applied_and_queued_is_one_event(records: Records) -> None:
    """The answer of the mirror may be lost after its commit."""
    await records.made("/contacts/", manychat_id="MC99999")
    desk = records.api.app.state.parts.desk
    done = desk.update

    def lost(*args: Any) -> Any:
        done(*args)
        raise AwayError("mirror_away")

    desk.update = lost
    answer = await records("PUT", UPDATE, SEED_UPDATE)
    [(_, envelope)] = records.api.sender.kept
    before = records.mirror.picture()
    records.mirror.deliver(envelope)
    assert answer.status == 202
    assert records.mirror.picture() == before


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (SEED_UPDATE | {"sync_status": "success", "lead_state": "x"}, "lead_state, sync_status"),
        ({"summary": "x"}, "manychat_id"),
        ([], "object"),
    ],
)
async def test_an_update_that_cannot_be_used_is_refused(
    records: Records, body: Any, named: str
) -> None:
    answer = await records("PUT", UPDATE, body)
    assert (answer.status, named in answer.json["detail"]) == (422, True)
    assert records.api.sender.kept == []
