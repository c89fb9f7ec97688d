"""The webhooks: what they keep, where, and what they answer."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.api.intake import INBOX_SECONDS, QUEUE_SECONDS
from bridge.events.event import EventType

ROOT = "/api/v1"
CONTACT = f"{ROOT}/manychat/webhook/contact"
ASSIGNMENT = f"{ROOT}/manychat/webhook/campaign-assignment"
STAGE = f"{ROOT}/manychat/webhook/stage-change"
SEED_CONTACT = {
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


@pytest.mark.parametrize(
    ("path", "type", "queue"),
    [
        (CONTACT, EventType.CONTACT, "manychat-contact-queue"),
        (ASSIGNMENT, EventType.ASSIGNMENT, "manychat-campaign-queue"),
        (
            f"{ROOT}/manychat/webhook/campaign-contact-assign",
            EventType.ASSIGNMENT,
            "manychat-campaign-queue",
        ),
        (STAGE, EventType.STAGE, "manychat-campaign-queue"),
        (f"{ROOT}/crm/webhook/stage-change", EventType.STAGE, "manychat-campaign-queue"),
        (f"{ROOT}/manychat/webhook/address", EventType.ADDRESS, "manychat-contact-queue"),
        (f"{ROOT}/crm/webhook/lead", EventType.LEAD, "manychat-campaign-queue"),
    ],
)
async def test_each_webhook_and_alias_keeps_its_kind_in_its_queue(
    api: Any, path: str, type: EventType, queue: str
) -> None:
    body = {"manychat_id": "MC1", "extra": {"kept": [1, "ñ"]}, "ciudad": "Lima"}
    answer = await api.post(path, body)

    [(name, envelope)] = api.sender.kept
    assert (answer.status, name, envelope.type) == (202, queue, type)
    assert envelope.payload == body
    assert answer.json == {
        "status": "accepted",
        "event_id": envelope.id,
        "manychat_id": "MC1",
        "queue": queue,
        "warnings": "",
    }
    assert api.inbox.kept == []


async def test_the_seeds_contact_body_is_accepted_without_a_warning(api: Any) -> None:
    answer = await api.post(CONTACT, SEED_CONTACT)
    [(_, envelope)] = api.sender.kept
    assert (answer.status, answer.json["warnings"]) == (202, "")
    assert envelope.payload == SEED_CONTACT


async def test_what_was_mended_is_said_as_one_flat_text(api: Any) -> None:
    body = {"manychat_id": 7, "nombre_lead": "Ana {{last}}", "whatsapp": "sin número"}
    answer = await api.post(CONTACT, body)
    assert answer.json["warnings"] == "nombre_lead: placeholder, whatsapp: bad_phone"
    assert answer.json["manychat_id"] == "7"
    assert all(isinstance(value, str) for value in answer.json.values())


async def test_the_same_idempotency_id_and_body_are_the_same_event_wherever_the_id_stands(
    api: Any,
) -> None:
    body = {"manychat_id": "MC1", "nombre_lead": "Rosa"}
    first = await api.post(CONTACT, body, idempotency_key="run-1")
    again = await api.post(CONTACT, body, idempotency_key="run-1")
    in_the_body = await api.post(CONTACT, body | {"event_id": "run-1"})
    changed = await api.post(CONTACT, body | {"nombre_lead": "Rosalía"}, idempotency_key="run-1")
    unrendered = [await api.post(CONTACT, body, idempotency_key="{{run}}") for _ in range(2)]

    assert first.json["event_id"] == again.json["event_id"] == in_the_body.json["event_id"]
    others = [changed, *unrendered]
    assert len({first.json["event_id"], *(answer.json["event_id"] for answer in others)}) == 4


async def test_while_the_queue_is_away_the_inbox_keeps_the_event(api: Any) -> None:
    api.sender.away()
    answer = await api.post(STAGE, {"manychat_id": "MC1", "stage_manychat": "Nuevo"})
    [(queue, envelope)] = api.inbox.kept
    assert answer.status == 202
    assert queue == answer.json["queue"] == "manychat-campaign-queue"
    assert envelope.id == answer.json["event_id"]


@pytest.mark.parametrize("failure", [RuntimeError("unforeseen"), OSError("socket")])
async def test_an_unforeseen_failure_of_the_queue_still_reaches_the_inbox(
    api: Any, failure: Exception
) -> None:
    api.sender.failure = failure
    answer = await api.post(CONTACT, SEED_CONTACT)
    assert (answer.status, len(api.inbox.kept)) == (202, 1)


async def test_with_both_away_the_caller_is_told_to_post_again(api: Any) -> None:
    api.sender.away()
    api.inbox.away()
    answer = await api.post(CONTACT, SEED_CONTACT)
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert answer.json["type"] == "unavailable"


async def test_with_both_hanging_the_caller_is_told_within_the_three_seconds_of_the_contract(
    api: Any,
) -> None:
    api.sender.hang = api.inbox.hang = True
    answer = await api.post(CONTACT, SEED_CONTACT)
    api.inbox.release()
    assert answer.status == 503
    assert QUEUE_SECONDS + INBOX_SECONDS < 3.0


async def test_verify_lists_every_webhook_with_its_aliases(api: Any) -> None:
    answer = await api.get(f"{ROOT}/manychat/webhook/verify", key="flow-key")
    assert answer.status == 200
    assert answer.json["status"] == "ok"
    assert answer.json["endpoints"] == [
        f"GET {ROOT}/manychat/webhook/verify",
        f"POST {ROOT}/crm/webhook/lead",
        f"POST {ROOT}/crm/webhook/stage-change",
        f"POST {ROOT}/manychat/webhook/address",
        f"POST {ROOT}/manychat/webhook/campaign-assignment",
        f"POST {ROOT}/manychat/webhook/campaign-contact-assign",
        f"POST {ROOT}/manychat/webhook/contact",
        f"POST {ROOT}/manychat/webhook/stage-change",
    ]


async def test_an_address_without_a_part_is_refused_and_kept(api: Any) -> None:
    answer = await api.post(f"{ROOT}/manychat/webhook/address", {"manychat_id": "MC1", "city": ""})
    [(queue, letter)] = api.sender.kept
    assert (answer.status, answer.json["code"]) == (422, "no_address")
    assert (queue, letter.payload) == ("dead-letter-queue", {"manychat_id": "MC1", "city": ""})
