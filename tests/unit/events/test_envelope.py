"""The envelope: its text, its size, and what is refused."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import PermanentError, TransientError, UnusableEvent
from bridge.events.clock import clock_text, iso, parse_iso
from bridge.events.envelope import (
    MAX_ENVELOPE_BYTES,
    REASON_RESERVE_BYTES,
    Envelope,
    NewerEnvelope,
)
from bridge.events.event import EventType

NOW = datetime(2025, 10, 20, 22, 41, tzinfo=UTC)


def envelope(payload: Any = None, **fields: Any) -> Envelope:
    values: dict[str, Any] = {
        "id": "e1", "type": EventType.STAGE, "received_at": NOW, "occurred_at": None,
        "payload": {"manychat_id": "1"} if payload is None else payload,
    }  # fmt: skip
    return Envelope(**values | fields)


def test_the_text_is_compact_utf8_json_with_the_contracts_fields() -> None:
    made = envelope({"nombre": "Íñigo"}, occurred_at=NOW).dumps()
    assert made == (
        '{"v":1,"id":"e1","type":"stage","received_at":"2025-10-20T22:41:00.000000Z",'
        '"occurred_at":"2025-10-20T22:41:00.000000Z","revision":0,"payload":{"nombre":"Íñigo"}}'
    )


def test_how_often_it_was_begun_travels_with_it_and_is_absent_at_first() -> None:
    one = envelope()
    assert "begun" not in json.loads(one.dumps())
    assert Envelope.loads(one.with_begun().with_begun().dumps()).begun == 2


def test_a_dead_letter_carries_attempts_reason_and_origin() -> None:
    letter = envelope("half a bo").with_attempt().with_attempt().with_reason("bad_json", "api")
    fields = json.loads(letter.dumps())
    assert (fields["attempts"], fields["reason"], fields["origin"]) == (2, "bad_json", "api")
    assert Envelope.loads(letter.dumps()) == letter


def test_a_newer_version_waits_for_a_newer_worker() -> None:
    text = json.dumps({"v": 2, "anything": "else"})
    with pytest.raises(NewerEnvelope) as caught:
        Envelope.loads(text)
    assert isinstance(caught.value, TransientError)
    assert caught.value.code == "newer_envelope"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", "1"), ("v", None), ("v", True), ("v", -1), ("id", 5), ("id", ""), ("type", "unheard"),
        ("received_at", "yesterday"), ("received_at", 5), ("received_at", "2025-10-20T22:41:00"),
        ("occurred_at", "yesterday"), ("payload", [1]), ("payload", None), ("revision", "0"),
        ("revision", -1), ("attempts", 1.5), ("begun", -1), ("reason", 5), ("origin", {}),
    ],
)  # fmt: skip
def test_a_wrong_field_makes_a_message_unusable(field: str, value: Any) -> None:
    fields = json.loads(envelope().dumps()) | {field: value}
    with pytest.raises(UnusableEvent) as caught:
        Envelope.loads(json.dumps(fields))
    assert isinstance(caught.value, PermanentError)
    assert caught.value.code == "bad_envelope"


@pytest.mark.parametrize("field", ["v", "id", "type", "received_at", "payload"])
def test_a_missing_field_makes_a_message_unusable(field: str) -> None:
    fields = json.loads(envelope().dumps())
    del fields[field]
    with pytest.raises(UnusableEvent):
        Envelope.loads(json.dumps(fields))


@pytest.mark.parametrize("text", ["", "junk Ana", "[]", "null", '"Ana"', "[" * 5000, "5"])
def test_what_is_no_envelope_is_unusable_and_not_repeated(text: str) -> None:
    with pytest.raises(UnusableEvent) as caught:
        Envelope.loads(text)
    assert "Ana" not in str(caught.value)
    assert caught.value.__suppress_context__


def sized(size: int, **fields: Any) -> Envelope:
    empty = len(envelope({"x": ""}, **fields).dumps().encode())
    return envelope({"x": "x" * (size - empty)}, **fields)


def test_an_event_leaves_the_reserve_free_and_a_dead_letter_may_use_it() -> None:
    limit = MAX_ENVELOPE_BYTES - REASON_RESERVE_BYTES
    largest = sized(limit)
    assert largest.checked() is largest
    with pytest.raises(UnusableEvent, match="too_large"):
        sized(limit + 1).checked()
    letter = largest.with_reason("why: " * 5000, "contact worker")
    assert letter.checked() is letter
    with pytest.raises(UnusableEvent, match="too_large"):
        sized(MAX_ENVELOPE_BYTES + 1, reason="why").checked()


def test_size_counts_bytes_not_characters() -> None:
    with pytest.raises(UnusableEvent):
        envelope({"x": "ñ" * 22_000}).checked()


def test_the_largest_envelope_fits_the_queue_as_base64() -> None:
    assert (MAX_ENVELOPE_BYTES + 2) // 3 * 4 <= 64 * 1024


def test_a_cut_body_says_what_it_was() -> None:
    text = "x" * 100_000
    cut = envelope(text).cut()
    assert cut.payload == {
        "cut": "x" * 32768,
        "length": 100_000,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    cut.with_reason("too_large", "api").checked()


def test_a_cut_object_is_cut_as_its_json_text() -> None:
    cut = envelope({"x": "\x01" * 30_000}).cut()
    assert isinstance(cut.payload, dict)
    assert cut.payload["cut"].startswith('{"x":"\\u0001')
    cut.checked()


def test_length_and_hash_may_be_those_of_a_body_that_was_not_kept_whole() -> None:
    cut = envelope("begin").cut(length=9_999, sha256="abc")
    assert cut.payload == {"cut": "begin", "length": 9_999, "sha256": "abc"}


def test_half_a_surrogate_pair_does_not_stop_the_text() -> None:
    assert '"x":"a?"' in envelope({"x": "a\ud83d"}).dumps()


def test_the_clock_is_one_text() -> None:
    later = datetime(2025, 10, 20, 22, 42, 0, 5, tzinfo=UTC)
    assert clock_text(NOW, later, "e1", 3) == (
        "2025-10-20T22:41:00.000000Z|2025-10-20T22:42:00.000005Z|e1|000003"
    )


def test_a_time_without_a_zone_has_no_place_on_the_clock() -> None:
    with pytest.raises(ValueError, match="zone"):
        iso(NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="zone"):
        parse_iso("2025-01-01")
