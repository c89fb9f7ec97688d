"""Fields that nobody reads: what a flow's builder is told, and what is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.events.event import EventType
from bridge.events.payloads import PAYLOADS
from bridge.events.reading import Rules, accept, read_event
from bridge.events.spellings import READ_BY, SPELLINGS
from bridge.events.templates import TEMPLATES
from bridge.events.unknown import unknown_fields

NOW = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)
CONTACT, ASSIGNMENT, STAGE = EventType.CONTACT, EventType.ASSIGNMENT, EventType.STAGE
EVERYTHING = ("id", "key", "page_id", "status", "name", "gender", "locale", "language", "timezone",
              "live_chat_url", "last_interaction", "subscribed", "custom_fields", "ig_id",
              "whatsapp_phone", "optin_phone", "last_input_text", "profile_pic")  # fmt: skip
"""Names in ManyChat's *Full contact data*, which a flow may post whole."""


def warnings(type: EventType, **body: Any) -> list[str]:
    envelope = accept(type, {"manychat_id": "MC1", **body}, None, NOW, Rules())
    return [scrub.text for scrub in read_event(envelope, Rules()).scrubs]


def told(type: EventType, *names: str) -> list[str]:
    return [scrub.text for scrub in unknown_fields(type, dict.fromkeys(names, "x"))]


@pytest.mark.parametrize(
    ("type", "written", "meant"),
    [
        (CONTACT, "nombre_led", "nombre_lead"),
        (CONTACT, "Nombre Lead", "nombre_lead"),
        (CONTACT, "ultimo_estdo", "ultimo_estado"),
        (ASSIGNMENT, "medico", "medico_id"),
        (ASSIGNMENT, "campaña", "campania_id"),
        (STAGE, "stage_manychatt", "stage_manychat"),
        (EventType.LEAD, "first_names", "first_name"),
    ],
)
def test_a_name_that_is_nearly_right_is_told_with_the_right_one(
    type: EventType, written: str, meant: str
) -> None:
    assert told(type, written) == [f"{written}: unknown_field ({meant}?)"]
    assert warnings(type, **{written: "x"}) == [f"{meant}: misspelt"]


def test_a_harmless_extra_is_told_to_who_asks_and_to_nobody_else() -> None:
    assert told(CONTACT, "tags", "etapa") == ["tags: unknown_field", "etapa: unknown_field"]
    assert told(CONTACT, "street") == ["street: not_read_here"]
    assert warnings(CONTACT, **dict.fromkeys(EVERYTHING, "x"), street="x") == [
        "whatsapp_phone: bad_phone"
    ]
    assert warnings(STAGE, comercial_id="7", ultimo_estado="Nuevo") == []


def test_a_near_name_beside_the_right_one_is_no_mistake() -> None:
    assert warnings(CONTACT, first_name="Eva", first_names="Eva María") == []
    assert warnings(CONTACT, nombre_lead="Eva", first_names="Eva María") == []


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_near_name_that_says_nothing_is_not_counted(nothing: Any) -> None:
    assert warnings(CONTACT, nombre_led=nothing) == []


def test_what_is_told_is_bounded() -> None:
    names = [f"extra_{number}" for number in range(100)]
    assert len(told(CONTACT, *names)) == 20
    assert told(CONTACT, "nombre_lead" * 50) == [f"{('nombre_lead' * 50)[:40]}: unknown_field"]


@pytest.mark.parametrize("type", PAYLOADS)
def test_every_known_spelling_passes(type: EventType) -> None:
    assert unknown_fields(type, TEMPLATES[type]) == []
    names = {name.partition(".")[0] for key in READ_BY[type] for name in SPELLINGS[key]}
    assert told(type, *sorted(names)) == []
