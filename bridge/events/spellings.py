"""The one table of field names: the seed's, the predecessor's and English ones.

A new ManyChat field starts here: a key with its spellings, and the kinds that read it.
`state.stage` is the field `stage` inside the object `state` (the predecessor's lead event).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.events.event import EventType

FUNNEL_DATES = (
    "commercial_assignment_date", "commercial_process_start_date", "medical_assignment_date",
    "medical_process_start_date", "medical_process_end_date", "quotation_start_date",
    "sale_order_date", "successful_sale_date", "conversation_closed_date",
)  # fmt: skip
WRITTEN_DATES = ("registration_date", *FUNNEL_DATES)
"""Dates of an assignment that a person may write, by their names in `Campaign_Contact`."""

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "manychat_id": ("manychat_id", "subscriber_id"),
    "event_id": ("event_id",),
    "occurred_at": ("datetime_actual", "fecha_asignacion", "occurred_at", "state.date"),
    "first_name": ("nombre_lead", "first_name"),
    "last_name": ("apellido_lead", "last_name"),
    "phone": ("whatsapp", "phone", "whatsapp_phone", "telefono"),
    "email": ("email_lead", "email"),
    "gender": ("genero", "gender"),
    "channel": ("canal_entrada", "channel", "channel_id"),
    "subscribed_at": ("datetime_suscripcion", "subscription_date"),
    "entry_date": ("entry_date", "fecha_entrada"),
    "registered_at": ("registration_date", "fecha_registro"),
    "registration_date": ("registration_date", "fecha_registro"),  # of an update: as written
    "initial_state": ("estado_inicial", "initial_state"),
    "state": ("stage_manychat", "ultimo_estado", "last_state", "state", "stage", "state.stage"),
    "stage_id": ("state.stage_id",),
    "category": ("category", "categoria"),
    **{name: (name,) for name in FUNNEL_DATES},
    "summary": ("summary", "resumen", "state.summary"),
    "campaign": ("campaign_id", "campaign", "campania_id"),
    "commercial": ("comercial_id", "commercial_advisor_id"),
    "medical": ("medico_id", "medical_advisor_id"),
    "advisor": ("advisor_id",),
    "assignment_kind": ("tipo_asignacion", "assignment_type"),
    "street": ("street", "calle", "direccion"),
    "district": ("district", "distrito"),
    "city": ("city", "ciudad"),
    "province": ("state", "provincia", "departamento"),
    "country": ("country", "pais"),
}

ADDRESS_PARTS: Mapping[str, str] = {
    "street": "street",
    "district": "district",
    "city": "city",
    "province": "state",  # here `state` is a region; elsewhere it is ManyChat's state
    "country": "country",
}

_STATE = ("state", "category", "summary")
_CONTACT = (
    "first_name", "last_name", "phone", "email", "gender", "channel", "subscribed_at",
    "entry_date", "initial_state",
)  # fmt: skip
READ_BY: Mapping[EventType, tuple[str, ...]] = {
    EventType.CONTACT: (*_CONTACT, *_STATE),
    EventType.ASSIGNMENT: ("campaign", "commercial", "medical", "registered_at", *_STATE),
    EventType.STAGE: ("advisor", *_STATE),
    EventType.ADDRESS: tuple(ADDRESS_PARTS),
    EventType.LEAD: (
        "first_name", "last_name", "phone", "channel", "entry_date", "commercial", "medical",
        "state", "summary",
    ),
    EventType.UPDATE: (*_CONTACT, "campaign", "commercial", "medical", *_STATE, *WRITTEN_DATES),
}  # fmt: skip

EVENT_ID_SPELLINGS = frozenset(SPELLINGS["event_id"])


def spelled(payload: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    """Every spelling of `key` that the payload holds, with its raw value, the main one first.

    An object that another spelling looks into is no value itself.
    """
    names = SPELLINGS[key]
    opened = {name.partition(".")[0] for name in names if "." in name}
    found = []
    for name in names:
        outer, _, inner = name.partition(".")
        raw = payload.get(outer)
        if inner and isinstance(raw, Mapping) and inner in raw:
            found.append((name, raw[inner]))
        elif not inner and name in payload and not (name in opened and isinstance(raw, Mapping)):
            found.append((name, raw))
    return found
