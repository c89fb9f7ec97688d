"""From body to event: which field says what, what clears, what stands back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from bridge.errors import UnusableEvent
from bridge.events.event import Event, EventType, Scrub
from bridge.events.payloads import PAYLOADS, body_schema
from bridge.events.reading import Rules, accept, read_event
from bridge.events.spellings import ADDRESS_PARTS, READ_BY, SPELLINGS, WRITTEN_DATES
from bridge.settings import Settings

NOW = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)
RULES = Rules()


def read(type: EventType, **body: Any) -> Event:
    return read_event(accept(type, {"manychat_id": "MC1", **body}, None, NOW, RULES), RULES)


def test_the_seeds_contact_body() -> None:
    event = read(
        EventType.CONTACT,
        nombre_lead="Ana",
        apellido_lead="García",
        whatsapp="+521234567891",
        datetime_suscripcion="2025-06-10T10:00:00Z",
        datetime_actual="2025-06-10T10:05:00Z",
        ultimo_estado="Nuevo Lead",
        canal_entrada="Facebook",
        estado_inicial="Nuevo",
    )
    assert event.values == {
        "first_name": "Ana",
        "last_name": "García",
        "phone": "+521234567891",
        "channel": "Facebook",
        "subscribed_at": datetime(2025, 6, 10, 10, tzinfo=UTC),
        "initial_state": "Nuevo",
        "state": "Nuevo Lead",
    }
    assert (event.scrubs, event.guessed, event.manychat_id) == ((), frozenset(), "MC1")
    assert event.occurred_at == datetime(2025, 6, 10, 10, 5, tzinfo=UTC)


def test_the_seeds_assignment_body() -> None:
    event = read(
        EventType.ASSIGNMENT,
        campaign_id=85,
        comercial_id="700",
        medico_id="101",
        datetime_actual="2025-06-10T10:10:00Z",
        ultimo_estado="Asignado a campaña",
        tipo_asignacion="medico",
        summary="Pidió una cita.",
    )
    assert event.values == {
        "campaign": "85",
        "commercial": "700",
        "medical": "101",
        "state": "Asignado a campaña",
        "summary": "Pidió una cita.",
    }


def test_a_stage_change_leaves_its_advisor_to_the_mirror() -> None:
    event = read(EventType.STAGE, stage_manychat="Comienza Cotización", advisor_id=700)
    assert event.values == {"state": "Comienza Cotización", "advisor": "700"}


def test_an_address_reads_state_as_a_region() -> None:
    event = read(EventType.ADDRESS, street="Av. Sol 1", distrito="Lince", state="Lima")
    assert event.values == {
        "address": {"street": "Av. Sol 1", "district": "Lince", "state": "Lima"}
    }


def test_the_seeds_update_body() -> None:
    event = read(
        EventType.UPDATE,
        campaign_id=85,
        medical_advisor_id=101,
        medical_assignment_date="2025-06-10T11:00:00Z",
        last_state="Asignado a médico",
        summary="Agendó consulta.",
    )
    assert event.values == {
        "campaign": "85",
        "medical": "101",
        "dates": {"medical_assignment_date": "2025-06-10T11:00:00.000000Z"},
        "state": "Asignado a médico",
        "summary": "Agendó consulta.",
    }
    assert (event.occurred_at, event.scrubs) == (NOW, ())


def test_in_an_update_null_clears_and_an_empty_text_does_not() -> None:
    names = [SPELLINGS[key][0] for key in READ_BY[EventType.UPDATE]]
    cleared = read(EventType.UPDATE, **dict.fromkeys(names))
    assert cleared.values.pop("dates") == dict.fromkeys(WRITTEN_DATES, "")  # type: ignore[attr-defined]
    assert set(cleared.values.values()) == {False}
    assert set(cleared.values) == {
        *READ_BY[EventType.UPDATE]} - {"state", "campaign", *WRITTEN_DATES}  # fmt: skip
    assert {scrub.code for scrub in cleared.scrubs} == {"not_cleared"}
    assert read(EventType.UPDATE, **dict.fromkeys(names, "")).values == {}


@pytest.mark.parametrize("body", [{}, {"street": ""}, {"city": "{{cuf_1}}", "state": None}])
def test_an_address_without_a_usable_part_is_unusable(body: dict[str, Any]) -> None:
    with pytest.raises(UnusableEvent) as caught:
        read(EventType.ADDRESS, **body)
    assert caught.value.code == "no_address"


def test_the_predecessors_lead_event() -> None:
    event = read(
        EventType.LEAD,
        first_name="Ana",
        phone="+521234567891",
        entry_date="2025-06-10",
        commercial_advisor_id=700,
        medical_advisor_id=None,
        state={"stage_id": 3, "stage": "Comienza Cotización", "summary": "Pidió precio.",
               "date": "2025-06-10T10:15:00Z"},
    )  # fmt: skip
    assert event.values == {
        "first_name": "Ana",
        "phone": "+521234567891",
        "channel": "WhatsApp",
        "entry_date": datetime(2025, 6, 10, 5, tzinfo=UTC),
        "commercial": "700",
        "state": "Comienza Cotización",
        "summary": "Pidió precio.",
    }
    assert (event.occurred_at, event.scrubs, event.guessed) == (
        datetime(2025, 6, 10, 10, 15, tzinfo=UTC), (), {"channel"},
    )  # fmt: skip


def test_a_lead_whose_state_is_only_the_predecessors_stage_id_is_said() -> None:
    event = read(EventType.LEAD, first_name="Ana", state={"stage_id": 3, "date": None})
    assert event.values == {"first_name": "Ana"}
    assert event.scrubs == (Scrub("state.stage_id", "no_state"),)


@pytest.mark.parametrize("state", ["Comienza Cotización", {"stage": "Comienza Cotización"}])
def test_a_leads_state_may_be_an_object_or_a_text(state: Any) -> None:
    event = read(EventType.LEAD, state=state)
    assert (event.values, event.scrubs) == ({"state": "Comienza Cotización"}, ())


def nested(name: str, value: Any) -> dict[str, Any]:
    outer, _, inner = name.partition(".")
    return {outer: {inner: value} if inner else value}


@pytest.mark.parametrize("type", sorted(READ_BY))
def test_every_spelling_of_every_field_says_the_same(type: EventType) -> None:
    samples = {
        "phone": "987654321", "email": "ana@example.com", "channel": "ig",
        "subscribed_at": "2025-01-02", "entry_date": "2025-01-02", "registered_at": "2025-01-02",
        **dict.fromkeys(WRITTEN_DATES, "2025-01-02"),
    }  # fmt: skip
    for key in READ_BY[type]:
        value = samples.get(key, "algo")
        said = [read(type, **nested(name, value)).values for name in SPELLINGS[key]]
        assert all(values == said[0] for values in said), key
        assert said[0], key


def test_the_main_spelling_goes_before_the_others_unless_it_says_nothing() -> None:
    both = read(EventType.CONTACT, nombre_lead="Ana", first_name="Eva")
    unrendered = read(EventType.CONTACT, nombre_lead="{{first_name}}", first_name="Eva")
    assert (both.values["first_name"], both.scrubs) == ("Ana", ())
    assert unrendered.values["first_name"] == "Eva"
    assert unrendered.scrubs == (Scrub("nombre_lead", "placeholder"),)


@pytest.mark.parametrize("empty", [None, "", "  ", "-", "null", "{{x}}", True])
def test_an_absent_or_empty_field_changes_nothing(empty: Any) -> None:
    names = [name for key in READ_BY[EventType.CONTACT] for name in SPELLINGS[key]]
    assert read(EventType.CONTACT, **dict.fromkeys(names, empty)).values == {}
    names = [name for key in READ_BY[EventType.ASSIGNMENT] for name in SPELLINGS[key]]
    assert read(EventType.ASSIGNMENT, **dict.fromkeys(names, empty)).values == {}


@pytest.mark.parametrize("empty", [None, "", "  ", 0, "0"])
@pytest.mark.parametrize(
    ("kind", "cleared"),
    [
        ("comercial", {"commercial": False}),
        ("Comercial ", {"commercial": False}),
        ("medico", {"medical": False}),
        ("Médico", {"medical": False}),
        ("otro", {}),
        ("{{tipo}}", {}),
        (None, {}),
    ],
)
def test_an_empty_advisor_clears_only_the_one_that_the_assignment_names(
    empty: Any, kind: Any, cleared: dict[str, bool]
) -> None:
    event = read(EventType.ASSIGNMENT, comercial_id=empty, medico_id=empty, tipo_asignacion=kind)
    assert event.values == cleared
    assert event.scrubs == ()


@pytest.mark.parametrize("junk", ["{{comercial}}", "-", "null", False, []])
def test_junk_in_an_advisor_is_absent_not_empty(junk: Any) -> None:
    event = read(EventType.ASSIGNMENT, comercial_id=junk, tipo_asignacion="comercial")
    assert event.values == {}
    assert [scrub.field for scrub in event.scrubs] == ["comercial_id"]


def test_an_advisor_that_no_field_mentions_is_not_cleared() -> None:
    assert read(EventType.ASSIGNMENT, tipo_asignacion="comercial").values == {}
    assert read(EventType.STAGE, advisor_id="", tipo_asignacion="comercial").values == {}


def test_a_phone_without_a_channel_is_whatsapp_but_only_as_a_guess() -> None:
    guessed = read(EventType.CONTACT, whatsapp="987654321", canal_entrada="{{cuf_1}}")
    assert (guessed.values["channel"], guessed.guessed) == ("WhatsApp", {"channel"})
    said = read(EventType.CONTACT, whatsapp="987654321", canal_entrada="wa")
    assert (said.values["channel"], said.guessed) == ("WhatsApp", frozenset())
    assert "channel" not in read(EventType.CONTACT, whatsapp="no tiene").values


def test_every_scrub_is_recorded_with_the_spelling_that_was_used() -> None:
    event = read(
        EventType.CONTACT,
        first_name="{{first_name}}",
        whatsapp="abc",
        email_lead="noespecificado@email.com",
        datetime_actual="mañana",
        datetime_suscripcion="2031-01-01",
        genero="VERDADERO",
        canal_entrada="12345678901",
    )
    assert {scrub.text for scrub in event.scrubs} == {
        "first_name: placeholder",
        "whatsapp: bad_phone",
        "email_lead: dummy_email",
        "datetime_actual: bad_date",
        "datetime_suscripcion: future",
        "genero: boolean",
        "canal_entrada: unknown_channel",
    }


@pytest.mark.parametrize(
    ("body", "at", "scrubs"),
    [
        ({}, NOW, ()),
        ({"datetime_actual": "ayer"}, NOW, (Scrub("datetime_actual", "bad_date"),)),
        ({"datetime_actual": None, "fecha_asignacion": "2025-10-31 10:00:00"},
         datetime(2025, 10, 31, 15, tzinfo=UTC), ()),
        ({"datetime_actual": "{{now}}", "fecha_asignacion": "2025-10-31 10:00:00"},
         datetime(2025, 10, 31, 15, tzinfo=UTC), (Scrub("datetime_actual", "placeholder"),)),
        ({"datetime_actual": "2026-01-01"}, NOW, (Scrub("datetime_actual", "future"),)),
    ],
)  # fmt: skip
def test_when_it_happened(body: dict[str, Any], at: datetime, scrubs: tuple[Scrub, ...]) -> None:
    envelope = accept(EventType.ASSIGNMENT, {"manychat_id": "1", **body}, None, NOW, RULES)
    event = read_event(envelope, RULES)
    assert event.occurred_at == envelope.occurred_at == at
    assert event.scrubs == scrubs


def test_the_rules_come_from_the_settings() -> None:
    settings = Settings(
        _env_file=None, api_key="k", timezone="UTC", default_phone_region="ES",
        dummy_emails="nadie@example.com, Otro@Example.com",
    )  # fmt: skip
    rules = Rules.from_settings(settings)
    body = {
        "manychat_id": "1", "whatsapp": "612345678", "email_lead": "otro@example.com",
        "datetime_actual": "2025-10-20 10:00:00",
    }  # fmt: skip
    event = read_event(accept(EventType.CONTACT, body, None, NOW, rules), rules)
    assert event.values["phone"] == "+34612345678"
    assert event.occurred_at == datetime(2025, 10, 20, 10, tzinfo=UTC)
    assert event.scrubs == (Scrub("email_lead", "dummy_email"),)


def test_a_mended_rule_heals_a_replay() -> None:
    body = {"manychat_id": "1", "datetime_actual": "2025-10-20 10:00:00"}
    envelope = accept(EventType.CONTACT, body, None, NOW, RULES)
    mended = read_event(replace(envelope, revision=1), Rules(timezone=UTC))
    assert mended.occurred_at == datetime(2025, 10, 20, 10, tzinfo=UTC)
    assert (mended.revision, mended.clock[-7:]) == (1, "|000001")


@pytest.mark.parametrize(
    ("payload", "type", "code"),
    [
        ("cut text", EventType.CONTACT, "bad_body"),
        ({"manychat_id": "1"}, EventType.ADDRESS, "no_address"),
        ({"manychat_id": "-"}, EventType.CONTACT, "no_manychat_id"),
        ({"cut": "…", "length": 1, "sha256": ""}, EventType.CONTACT, "no_manychat_id"),
    ],
)
def test_a_payload_that_can_never_be_read_is_unusable(
    payload: Any, type: EventType, code: str
) -> None:
    envelope = accept(EventType.CONTACT, {"manychat_id": "1"}, None, NOW, RULES)
    with pytest.raises(UnusableEvent) as caught:
        read_event(replace(envelope, payload=payload, type=type), RULES)
    assert caught.value.code == code


@pytest.mark.parametrize("body", [[1], "x", None, True, 1, 1.5])
def test_a_body_that_is_no_object_is_unusable(body: Any) -> None:
    with pytest.raises(UnusableEvent) as caught:
        accept(EventType.CONTACT, body, None, NOW, RULES)
    assert caught.value.code == "not_an_object"


def test_a_body_that_does_not_fit_the_queue_is_unusable() -> None:
    with pytest.raises(UnusableEvent) as caught:
        accept(EventType.CONTACT, {"manychat_id": "1", "x": "y" * 45_000}, None, NOW, RULES)
    assert caught.value.code == "too_large"


def test_an_id_given_at_reception_grows_with_time() -> None:
    def reception_id(at: datetime) -> UUID:
        return UUID(accept(EventType.CONTACT, {"manychat_id": "1"}, "{{id}}", at, RULES).id)

    ids = [reception_id(NOW + timedelta(milliseconds=n)) for n in range(50)]
    assert ids == sorted(set(ids))
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}


def test_a_given_id_makes_the_id_from_kind_contact_id_and_body() -> None:
    def derived(type: EventType = EventType.CONTACT, given: Any = "g", **body: Any) -> str:
        return accept(type, {"manychat_id": "1", **body}, given, NOW, RULES).id

    base = derived(a=1, b=[2])
    assert UUID(base).version == 5
    assert derived(b=[2], a=1) == base == derived(given=None, a=1, b=[2], event_id="g")
    others = [
        derived(EventType.STAGE, a=1, b=[2]),
        derived(a=2, b=[2]),
        derived(a=1, b=[2], given="h"),
        derived(a=1, b=[2], manychat_id="2"),
        derived(a=1, b=[2], given="g" * 300),
        derived(a=1, b=[2], given="g" * 301),
    ]
    assert len({base, *others}) == 7


def test_a_numeric_given_id_counts_as_its_digits() -> None:
    def derived(given: Any) -> str:
        body = {"manychat_id": "1", "event_id": given}
        return accept(EventType.CONTACT, body, None, NOW, RULES).id

    assert derived(7) == derived("7")


@pytest.mark.parametrize("type", sorted(PAYLOADS))
def test_the_documented_body_shows_the_main_spelling_of_every_key_that_is_read(
    type: EventType,
) -> None:
    properties = body_schema(type)["properties"]
    documented = set(properties)
    for inner in properties.get("state", {}).get("anyOf", []):
        documented |= {f"state.{name}" for name in inner.get("properties", {})}
    for key in (*READ_BY[type], "manychat_id", "event_id", "occurred_at"):
        assert documented & set(SPELLINGS[key]), key
    readable = {name for key in READ_BY[type] for name in SPELLINGS[key]}
    common = {"manychat_id", "event_id", "datetime_actual", "tipo_asignacion", "state.stage_id",
              "state.date"}  # fmt: skip
    assert documented <= readable | common


@pytest.mark.parametrize("type", sorted(PAYLOADS))
def test_the_documented_example_is_read_without_a_scrub(type: EventType) -> None:
    event = read(type, **body_schema(type)["example"])
    assert event.scrubs == ()
    assert event.values


def test_one_spelling_means_one_thing_within_a_kind() -> None:
    for type, keys in READ_BY.items():
        names = [name for key in (*keys, "manychat_id", "event_id") for name in SPELLINGS[key]]
        assert len(names) == len(set(names)), type
    assert set(ADDRESS_PARTS.values()) == {"street", "district", "city", "state", "country"}
