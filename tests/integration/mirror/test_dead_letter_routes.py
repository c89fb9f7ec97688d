"""Dead letters over HTTP: seen, sent again, discarded."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror import dead_letters
from tests.integration.mirror.conftest import NOW, Mirror
from tests.integration.mirror.test_records import Records

ID = "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b"
BODY = {"manychat_id": "MC-1", "nombre_lead": "Eva"}


@pytest.fixture
def records(mirror: Mirror) -> Records:
    return Records(mirror)


def bury(
    mirror: Mirror,
    payload: Any = BODY,
    hop: str = "api",
    id: str = ID,
    reason: str = "bad: reason",
    **fields: Any,
) -> None:
    letter = Envelope(id=id, type=EventType.CONTACT, received_at=NOW, occurred_at=None,
                      payload=payload, **fields)  # fmt: skip
    with mirror.store.transaction() as session:
        dead_letters.record(session, [letter.with_reason(reason, hop)], NOW)


async def only(records: Records) -> dict[str, Any]:
    page = (await records("GET", "/dead-letters/")).json
    [row] = page["items"]
    assert page["total"] == 1
    return dict(row)


async def test_a_letter_is_listed_without_its_body_and_read_with_it(records: Records) -> None:
    bury(records.mirror)
    row = await only(records)
    assert (row["event_id"], row["hop"], row["reason"]) == (ID, "api", "bad: reason")
    assert "payload" not in row
    whole = (await records("GET", f"/dead-letters/{row['id']}")).json
    assert whole["payload"] == '{"manychat_id":"MC-1","nombre_lead":"Eva"}'
    assert (await records("GET", "/dead-letters/?hop=inbox")).json["total"] == 0


async def test_a_replay_is_one_revision_up_however_often_it_is_pressed(records: Records) -> None:
    bury(records.mirror, revision=2)
    row = await only(records)
    answers = [await records("POST", f"/dead-letters/{row['id']}/replay") for _ in range(2)]
    assert [(answer.status, answer.json["revision"]) for answer in answers] == [(202, 3)] * 2
    [(queue, envelope), (_, again)] = records.api.sender.kept
    assert (queue, envelope) == ("manychat-contact-queue", again)
    assert (envelope.id, envelope.received_at, envelope.payload) == (ID, NOW, BODY)
    assert envelope.reason is None
    assert (await only(records))["replayed_at"] is not None
    records.mirror.deliver(envelope)
    records.mirror.deliver(again)
    assert [row["revision"] for row in records.mirror.outbox()] == [3]


async def test_a_replay_that_fails_again_is_open_again(records: Records) -> None:
    bury(records.mirror)
    row = await only(records)
    await records("POST", f"/dead-letters/{row['id']}/replay")
    bury(records.mirror, revision=1)
    after = await only(records)
    assert (after["id"], after["revision"], after["replayed_at"]) == (row["id"], 1, None)


async def test_a_letter_that_is_drained_once_more_stays_replayed(records: Records) -> None:
    bury(records.mirror, revision=1)
    row = await only(records)
    await records("POST", f"/dead-letters/{row['id']}/replay")
    replayed = await only(records)
    bury(records.mirror, revision=1)
    assert await only(records) == replayed


async def test_letters_that_fit_a_filter_are_replayed_at_once(records: Records) -> None:
    ids = [ID[:-1] + digit for digit in "0123"]
    bury(records.mirror, id=ids[0], reason="permanent: bad_date (x)")
    bury(records.mirror, id=ids[1], reason="bad_date: y")
    bury(records.mirror, id=ids[2], reason="bad_json: z")
    bury(records.mirror, id=ids[3], reason="bad_date: z", hop="inbox")
    wanted = {"reason": "bad_date", "hop": "api", "type": "contact"}
    answer = await records("POST", "/dead-letters/replay", wanted)
    assert (answer.status, answer.json["queued"], answer.json["left"]) == (202, 2, 0)
    assert [envelope.id for _, envelope in records.api.sender.kept] == ids[:2]
    assert {envelope.revision for _, envelope in records.api.sender.kept} == {1}
    again = await records("POST", "/dead-letters/replay", wanted)
    assert again.json["queued"] == 0
    rest = await records("POST", "/dead-letters/replay", {"all": True})
    assert rest.json["queued"] == 2


async def test_a_replay_by_filter_goes_on_behind_the_last_letter(records: Records) -> None:
    ids = [ID[:-1] + digit for digit in "012"]
    bury(records.mirror, "{broken", id=ids[0])
    bury(records.mirror, id=ids[1])
    bury(records.mirror, id=ids[2])
    first = (await records("POST", "/dead-letters/replay", {"all": True, "limit": 2})).json
    assert (first["queued"], first["left"]) == (1, 1)
    assert list(first["skipped"].values()) == ["the body is no JSON object: post it mended"]
    body = {"all": True, "limit": 2, "after": first["last_id"]}
    second = (await records("POST", "/dead-letters/replay", body)).json
    assert (second["queued"], second["left"], second["skipped"]) == (1, 0, {})
    assert [envelope.id for _, envelope in records.api.sender.kept] == ids[1:]


async def test_what_was_sent_before_the_queue_went_away_is_noted(records: Records) -> None:
    for digit in "01":
        bury(records.mirror, id=ID[:-1] + digit)
    sender, inbox = records.api.sender, records.api.inbox
    take = sender.take

    def once(queue: str, envelope: Envelope) -> None:
        take(queue, envelope)
        sender.away()
        inbox.away()

    sender.take = once  # type: ignore[method-assign]
    assert (await records("POST", "/dead-letters/replay", {"all": True})).status == 503
    rows = (await records("GET", "/dead-letters/?sort=id")).json["items"]
    assert [row["replayed_at"] is not None for row in rows] == [True, False]


@pytest.mark.parametrize(
    "body",
    [
        {"hop": 1}, {"hop": "api", "limit": 0}, {"type": "x"}, {"reason": "[a"}, [1],
        {"all": "yes"}, {"all": True, "hopp": "api"},
    ],
)  # fmt: skip
async def test_a_filter_of_no_meaning_replays_nothing(records: Records, body: Any) -> None:
    bury(records.mirror)
    assert (await records("POST", "/dead-letters/replay", body)).status == 422
    assert records.api.sender.kept == []


@pytest.mark.parametrize("body", [None, {}, {"all": False}, {"limit": 5}, {"hop": None}])
async def test_a_body_that_does_not_say_which_replays_nothing(records: Records, body: Any) -> None:
    bury(records.mirror)
    answer = await records("POST", "/dead-letters/replay", body)
    assert answer.status == 422
    assert 'or {"all": true}' in answer.json["errors"][0]["msg"]
    assert records.api.sender.kept == []


async def test_letters_are_found_by_reason_by_event_and_by_whether_they_wait(
    records: Records,
) -> None:
    ids = [ID[:-1] + digit for digit in "012"]
    bury(records.mirror, id=ids[0], reason="permanent: bad_json: at character 17")
    bury(records.mirror, id=ids[1], reason="bad_json: at character 3")
    bury(records.mirror, id=ids[2], reason="no_address")

    async def found(query: str) -> list[str]:
        answer = await records("GET", f"/dead-letters/?sort=id&{query}")
        assert answer.json["total"] == len(answer.json["items"])
        return [row["event_id"] for row in answer.json["items"]]

    assert await found("reason=bad_json") == ids[:2]
    assert await found("reason=permanent: bad_json") == ids[:1]
    assert await found("reason=bad%") == []
    assert await found(f"event_id={ids[2]}") == ids[2:]
    await records("POST", "/dead-letters/replay", {"event_id": ids[0]})
    assert await found("replayed=false") == ids[1:]
    assert await found("replayed=true&reason=bad_json") == ids[:1]


@pytest.mark.parametrize(
    "payload", ["{broken", "[1]", {"cut": "{...", "length": 40_000, "sha256": "a" * 64}]
)
async def test_a_body_that_is_not_there_whole_cannot_be_replayed(
    records: Records, payload: Any
) -> None:
    bury(records.mirror, payload)
    row = await only(records)
    answer = await records("POST", f"/dead-letters/{row['id']}/replay")
    assert answer.status == 409
    assert records.api.sender.kept == []


async def test_a_discarded_letter_is_gone(records: Records) -> None:
    bury(records.mirror)
    path = f"/dead-letters/{(await only(records))['id']}"
    assert (await records("DELETE", path)).status == 204
    for method, route in (("GET", path), ("DELETE", path), ("POST", f"{path}/replay")):
        assert (await records(method, route)).status == 404


async def test_while_nothing_can_take_it_the_letter_stays_unreplayed(records: Records) -> None:
    bury(records.mirror)
    row = await only(records)
    records.api.sender.away()
    records.api.inbox.away()
    assert (await records("POST", f"/dead-letters/{row['id']}/replay")).status == 503
    assert (await only(records))["replayed_at"] is None


async def test_the_webhook_key_opens_no_dead_letter(records: Records) -> None:
    assert (await records.api.get("/api/v1/dead-letters/", key="flow-key")).status == 403
