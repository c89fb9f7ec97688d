"""An authenticated body that cannot be used is refused and kept, whole if it fits."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.api import bodies, intake
from bridge.events.envelope import MAX_ENVELOPE_BYTES

CONTACT = "/api/v1/manychat/webhook/contact"
DEAD_LETTERS = "dead-letter-queue"


def only_letter(api: Any) -> Any:
    [(queue, envelope)] = api.sender.kept
    assert queue == DEAD_LETTERS
    assert envelope.origin == "api"
    return envelope


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"manychat_id": "MC1", "nombre_lead": "Ana', "bad_json"),
        (b"", "bad_json"),
        (b'{"manychat_id": "MC1",}', "bad_json"),
        (b'{"manychat_id": "MC1", "x": NaN}', "bad_json"),
        (b'{"manychat_id": "MC1", "x": 1e999}', "bad_json"),
        (b'{"manychat_id": ' + b"9" * 5000 + b"}", "bad_json"),
        (b"[" * 20000, "bad_json"),
        (b'{"manychat_id": "MC1", "x": ' + b"[" * 40 + b"]" * 40 + b"}", "bad_json"),
        (b'["MC1"]', "not_an_object"),
        (b'"MC1"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "no_manychat_id"),
        (b'{"manychat_id": null}', "no_manychat_id"),
        (b'{"manychat_id": "{{user_id}}"}', "no_manychat_id"),
        (b'{"manychat_id": 1.5e3}', "no_manychat_id"),
        (b'{"manychat_id": true}', "no_manychat_id"),
        (b'{"manychat_id": {"id": "MC1"}}', "no_manychat_id"),
        (b'{"manychat_id": "' + b"9" * 300 + b'"}', "no_manychat_id"),
    ],
)
async def test_an_unusable_body_is_answered_422_and_kept_with_its_reason(
    api: Any, body: bytes, code: str
) -> None:
    answer = await api.post(CONTACT, body)

    letter = only_letter(api)
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json["code"], answer.json["event_id"]) == (code, letter.id)
    assert letter.reason.startswith(f"permanent: {code}")
    kept = letter.payload if isinstance(letter.payload, str) else json.dumps(letter.payload)
    assert kept == body.decode() or json.loads(kept) == json.loads(body)


async def test_a_reason_never_repeats_what_the_body_said(api: Any) -> None:
    await api.post(CONTACT, b'{"nombre_lead": "Secreta", "manychat_id": "{{Secreta}}"}')
    await api.post(CONTACT, b'{"manychat_id": "MC1", "nombre_lead": "Secreta')
    assert [queue for queue, _ in api.sender.kept] == [DEAD_LETTERS] * 2
    assert all("Secreta" not in envelope.reason for _, envelope in api.sender.kept)


async def test_an_unusable_body_goes_to_the_inbox_while_the_queue_is_away(api: Any) -> None:
    api.sender.away()
    answer = await api.post(CONTACT, b"not json")
    [(queue, envelope)] = api.inbox.kept
    assert (answer.status, queue, envelope.payload) == (422, DEAD_LETTERS, "not json")


async def test_an_unusable_body_that_nobody_could_keep_is_not_called_kept(api: Any) -> None:
    api.sender.away()
    api.inbox.away()
    assert (await api.post(CONTACT, b"not json")).status == 503


@pytest.mark.parametrize("extra", [1, 200_000])
async def test_an_oversized_body_is_kept_cut_with_its_length_and_hash(api: Any, extra: int) -> None:
    body = b'{"manychat_id": "MC1", "summary": "' + b"x" * (bodies.BODY_LIMIT + extra - 37) + b'"}'
    answer = await api.post(CONTACT, body)

    letter = only_letter(api)
    assert answer.status == 413
    assert answer.json["type"] == "body-too-large"
    assert letter.reason.startswith("permanent: too_large")
    assert letter.payload["length"] == len(body) == bodies.BODY_LIMIT + extra
    assert letter.payload["sha256"] == hashlib.sha256(body).hexdigest()
    assert body.decode().startswith(letter.payload["cut"])
    assert len(letter.payload["cut"]) >= 16384


async def test_a_body_of_exactly_the_limit_is_taken(api: Any) -> None:
    body = b'{"manychat_id": "MC1", "summary": "' + b"x" * (bodies.BODY_LIMIT - 37) + b'"}'
    assert len(body) == bodies.BODY_LIMIT
    answer = await api.post(CONTACT, body)
    assert (answer.status, api.sender.kept[0][1].payload["manychat_id"]) == (202, "MC1")


async def test_reading_an_endless_body_stops(api: Any) -> None:
    async def endless() -> AsyncIterator[dict[str, Any]]:
        while True:
            yield {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    answer = await api.call("POST", CONTACT, endless(), key="flow-key")
    assert answer.status == 413
    assert api.read <= bodies.DRAIN_LIMIT // 65536 + 1
    assert only_letter(api).payload["length"] > bodies.DRAIN_LIMIT


async def test_a_binary_body_is_kept_as_a_text_that_every_database_takes(api: Any) -> None:
    assert (await api.post(CONTACT, b"\x89PNG\r\n\x1a\n\x00\x00")).status == 422
    assert only_letter(api).payload == "‰PNG\r\n\x1a\n\ufffd\ufffd"


async def test_no_more_than_the_limit_is_held_of_a_large_body() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 10_000

    body = await bodies.read_body(chunks())
    assert (len(body.data), body.length, body.complete) == (bodies.BODY_LIMIT, 100_000, True)
    assert body.oversized


async def test_a_body_whose_sender_went_away_is_kept(api: Any) -> None:
    async def broken() -> AsyncIterator[dict[str, Any]]:
        yield {"type": "http.request", "body": b'{"manychat_id": "MC1", ', "more_body": True}

    answer = await api.call("POST", CONTACT, broken(), key="flow-key")
    assert answer.status == 422
    letter = only_letter(api)
    assert (letter.reason.split()[1], letter.payload) == (
        "incomplete_body",
        '{"manychat_id": "MC1", ',
    )


async def test_a_body_that_trickles_too_slowly_is_cut_off(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow() -> AsyncIterator[dict[str, Any]]:
        yield {"type": "http.request", "body": b"{", "more_body": True}
        await asyncio.sleep(3600)

    body = await bodies.read_body(_chunks(slow()), seconds=0.05)
    assert (body.data, body.complete) == (b"{", False)


async def _chunks(messages: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    async for message in messages:
        yield message["body"]


@pytest.mark.parametrize(
    "body",
    [
        '{"manychat_id": "MC1", "summary": "' + "é" * 31000 + '"}',
        '{"manychat_id": "MC1", "x": [' + ",".join(["1e15"] * 6000) + "]}",
    ],
)
async def test_a_body_that_grows_too_large_for_the_queue_is_kept_cut(api: Any, body: str) -> None:
    raw = body.encode("latin-1")
    assert len(raw) <= bodies.BODY_LIMIT
    answer = await api.post(CONTACT, raw)
    letter = only_letter(api)
    assert answer.status == 413
    assert letter.payload["length"] == len(raw)
    assert len(letter.dumps().encode()) <= MAX_ENVELOPE_BYTES


async def test_a_fault_in_the_cleaning_does_not_lose_the_body(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("value of a person")

    monkeypatch.setattr(intake, "read_event", broken)
    answer = await api.post(CONTACT, {"manychat_id": "MC1"})
    letter = only_letter(api)
    assert (answer.status, letter.payload) == (422, {"manychat_id": "MC1"})
    assert letter.reason == "permanent: reading_failed (ZeroDivisionError)"
