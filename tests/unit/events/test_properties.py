"""What must hold for whatever JSON a flow may send."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from bridge.api.bodies import decode, parse
from bridge.errors import UnusableEvent
from bridge.events.cleaning.channels import clean_channel
from bridge.events.cleaning.dates import clean_time
from bridge.events.cleaning.emails import clean_email
from bridge.events.cleaning.phones import clean_phone
from bridge.events.cleaning.text import clean_id, clean_name, clean_summary, clean_text
from bridge.events.clock import iso, parse_iso
from bridge.events.envelope import MAX_ENVELOPE_BYTES, REASON_RESERVE_BYTES, Envelope
from bridge.events.event import Event, EventType
from bridge.events.reading import Rules, accept, read_event
from bridge.events.spellings import READ_BY, SPELLINGS

RULES = Rules()
LIMA = ZoneInfo("America/Lima")
NOW = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)

# pieces that lead near the rules, besides what hypothesis finds by itself
PIECES = st.lists(
    st.sampled_from(
        [
            "{{", "}}", "{{cuf_1}}", "{", "-", "?", "null", "TRUE", " ", "\n", "\u200b", "\u0301",
            "Ana", "e", "İ", "😀", "\ud83d", "0", "+51", "987654321", "@", ".", "example.com",
            "20 Oct 2025", ", ", "05:41pm", "2025-10-20", "T17:41:00", "Z", "wa", "Facebook", ":",
            "whatsapp:", "/", "1.5E+9", "x" * 260,
        ]
    ),
    max_size=6,
).map("".join)  # fmt: skip
TEXTS = PIECES | st.text(st.characters(codec=None), max_size=60)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
    | st.integers(0, 2_000_000_000)
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ANY_SPELLING = st.sampled_from(sorted({name for names in SPELLINGS.values() for name in names}))
BODIES = st.dictionaries(ANY_SPELLING | TEXTS, VALUES, max_size=12)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TYPES = st.sampled_from(sorted(READ_BY))
CLEANERS = {
    "text": clean_text,
    "name": clean_name,
    "summary": clean_summary,
    "id": clean_id,
    "channel": clean_channel,
    "email": lambda value: clean_email(value, RULES.dummy_emails),
    "phone": lambda value: clean_phone(value, "PE"),
}


@given(st.sampled_from(sorted(CLEANERS)), VALUES)
def test_cleaning_never_raises_and_cleaning_again_changes_nothing(kind: str, raw: Any) -> None:
    value, code = CLEANERS[kind](raw)
    assert code is None or re.fullmatch(r"[a-z_]+", code)
    if value is not None:
        assert CLEANERS[kind](value) == (value, None)
        assert value == value.strip() != ""
        assert "{{" not in value
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", value)
        value.encode()


@given(VALUES)
def test_a_time_once_read_is_read_again_the_same(raw: Any) -> None:
    at, _ = clean_time(raw, LIMA, NOW)
    if at is not None:
        assert at <= NOW
        assert at.utcoffset() == timedelta(0)
        assert clean_time(iso(at), LIMA, NOW) == (at, None)


@given(TYPES, BODIES, SCALARS, TIMES)
@example(EventType.UPDATE, {"apellido_lead": None, "successful_sale_date": None}, "MC-1", NOW)
def test_any_body_becomes_an_event_or_is_unusable(
    type: EventType, body: dict[str, Any], manychat_id: Any, received_at: datetime
) -> None:
    event = _event(type, {**body, "manychat_id": manychat_id}, received_at)
    if event is None:
        return
    assert event.occurred_at <= event.received_at == received_at
    assert event.manychat_id
    assert isinstance(event.manychat_id, str)
    for value in _texts(event.values):
        assert value
        assert "{{" not in value
    _check_shapes(event)
    assert all(re.fullmatch(r"[a-z_.]+: [a-z_]+", scrub.text) for scrub in event.scrubs)


def _event(type: EventType, body: dict[str, Any], received_at: datetime) -> Event | None:
    try:
        envelope = accept(type, body, None, received_at, RULES)
    except UnusableEvent as refusal:
        return _expected(refusal, "no_manychat_id", "too_large")
    try:
        event = read_event(envelope, RULES)
    except UnusableEvent as refusal:
        return _expected(refusal, "no_address")
    # the worker reads what came over the wire, and must read the same
    wired = read_event(Envelope.loads(envelope.dumps()), RULES)
    if not _has_surrogate(body):
        assert wired == event
    return event


def _expected(refusal: UnusableEvent, *codes: str) -> None:
    assert refusal.code in codes


def _has_surrogate(body: Any) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in str(body)) or "\\ud" in repr(body)


def _texts(values: Mapping[str, Any]) -> list[str]:
    flat = [*values.values(), *dict(values.get("address", {})).values()]
    return [value for value in flat if isinstance(value, str)]


def _check_shapes(event: Event) -> None:
    shapes: dict[str, type | tuple[type, ...]] = {
        "subscribed_at": datetime,
        "entry_date": datetime,
        "registered_at": datetime,
        "address": dict,
        "dates": dict,
    }
    for key, value in event.values.items():
        if value is False:  # cleared: elsewhere than in an update only an advisor may be
            assert event.type is EventType.UPDATE or key in {"commercial", "medical"}
            assert key not in {"state", "campaign"}
        else:
            assert isinstance(value, shapes.get(key, str))


@given(TIMES, TIMES, st.uuids().map(str), st.integers(0, 999_999))
def test_the_clock_orders_by_time_and_has_one_width(
    one: datetime, other: datetime, event_id: str, revision: int
) -> None:
    clocks = [
        Event(event_id, revision, EventType.STAGE, "1", at, max(one, other), {}).clock
        for at in (one, other)
    ]
    assert len({len(clock) for clock in clocks}) == 1
    assert len(clocks[0].split(event_id)[0]) == len("2025-10-20T22:41:00.000000Z|") * 2
    assert (clocks[0].encode() < clocks[1].encode()) == (one < other)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back_from_its_text(moment: datetime) -> None:
    assert parse_iso(iso(moment)) == moment
    assert len(iso(moment)) == 27


@given(
    TYPES,
    st.dictionaries(st.text(max_size=9), VALUES.filter(lambda v: not _has_surrogate(v)), max_size=4)
    | st.text(max_size=60),
    TIMES,
    st.none() | TIMES,
    st.integers(0, 99),
)
def test_an_envelope_comes_back_from_its_text(
    type: EventType, payload: Any, received_at: datetime, occurred_at: datetime | None, number: int
) -> None:
    if "Infinity" in json.dumps(payload):
        return
    envelope = Envelope(
        id="e1", type=type, received_at=received_at, occurred_at=occurred_at, payload=payload,
        revision=number,
    )  # fmt: skip
    assert Envelope.loads(envelope.dumps()) == envelope
    letter = envelope.with_attempt().with_reason("why: not", "hop")
    assert Envelope.loads(letter.dumps()) == letter


@given(st.text(st.characters(codec=None), max_size=200), st.integers(1, 400), TEXTS)
def test_whatever_is_cut_fits_with_any_reason(piece: str, times: int, reason: str) -> None:
    envelope = Envelope(
        id="e1", type=EventType.CONTACT, received_at=NOW, occurred_at=None, payload=piece * times
    )
    letter = envelope.cut().with_reason(reason * 900, reason * 90)
    assert len(letter.checked().dumps().encode()) <= MAX_ENVELOPE_BYTES


@given(st.binary(max_size=200), st.sampled_from(["latin-1", "utf-16", "hex", "x\x00", "idna"]))
def test_any_bytes_become_a_text_and_any_text_json_or_a_refusal(data: bytes, charset: str) -> None:
    text, _ = decode(data, f"application/json; charset={charset}")
    try:
        value, _ = parse(text)
    except UnusableEvent as refusal:
        _expected(refusal, "bad_json")
    else:
        json.dumps(value, allow_nan=False)


def test_the_reserve_is_enough_for_what_it_is_for() -> None:
    bare = Envelope(
        id="e1", type=EventType.CONTACT, received_at=NOW, occurred_at=None, payload={"a": "b"}
    )
    letter = bare.with_reason("\x01" * 100_000, "\x01" * 1000)
    for _ in range(999):
        letter = letter.with_attempt()
    grown = len(letter.dumps().encode()) - len(bare.dumps().encode())
    assert grown <= REASON_RESERVE_BYTES
