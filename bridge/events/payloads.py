"""The webhook bodies in their main spelling, for the OpenAPI document.

Reading goes by the table in `spellings.py`: the bodies of real flows are never refused by type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bridge.events.event import EventType

Text = str | None
Reference = Annotated[
    str | int | None, Field(description="Id, e-mail or name; a whole number or a text.")
]
When = Annotated[
    str | int | None,
    Field(description="ISO 8601, `20 Oct 2025, 05:41pm`, `31/12/2024 9:05:00` or epoch seconds."),
]


class Payload(BaseModel):
    """What every webhook body has; unknown fields are kept with the raw event."""

    model_config = ConfigDict(extra="allow")

    manychat_id: Annotated[str | int, Field(description="Text; a float is refused.")]
    datetime_actual: When = None
    event_id: Annotated[
        Text, Field(description="Idempotency id; the `idempotency-key` header goes before it.")
    ] = None


class ContactPayload(Payload):
    """A contact: it makes the lead by itself."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
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
        },
    )

    nombre_lead: Text = None
    apellido_lead: Text = None
    whatsapp: str | int | None = None
    email_lead: Text = None
    genero: Text = None
    canal_entrada: str | int | None = None
    datetime_suscripcion: When = None
    entry_date: When = None
    estado_inicial: Text = None
    ultimo_estado: Text = None
    category: Text = None
    summary: Text = None


class AssignmentPayload(Payload):
    """An assignment to a campaign and to advisors."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "manychat_id": "MC99999",
                "campaign_id": 85,
                "comercial_id": "700",
                "medico_id": "101",
                "datetime_actual": "2025-06-10T10:10:00Z",
                "ultimo_estado": "Asignado a campaña",
                "tipo_asignacion": "medico",
                "summary": "El cliente preguntó por el producto X y mostró interés en agendar "
                "una cita.",
            }
        },
    )

    campaign_id: Reference = None
    comercial_id: Reference = None
    medico_id: Reference = None
    registration_date: When = None
    tipo_asignacion: Annotated[
        Text, Field(description="`comercial` or `medico`: the advisor that an empty value clears.")
    ] = None
    ultimo_estado: Text = None
    category: Text = None
    summary: Text = None


class StageChangePayload(Payload):
    """A state that the contact has reached."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "manychat_id": "MC99999",
                "stage_manychat": "Comienza Cotización",
                "advisor_id": "700",
                "datetime_actual": "2025-06-10T10:20:00Z",
                "summary": "Pidió el precio del producto X.",
            }
        },
    )

    stage_manychat: Text = None
    advisor_id: Reference = None
    category: Text = None
    summary: Text = None


class AddressPayload(Payload):
    """A contact's address: at least one part; the parts that are absent stay as they are."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "manychat_id": "MC99999",
                "street": "Av. Arequipa 123",
                "district": "Lince",
                "city": "Lima",
                "state": "Lima",
                "country": "Perú",
            }
        },
    )

    street: Text = None
    district: Text = None
    city: Text = None
    state: Annotated[Text, Field(description="The region, not ManyChat's state.")] = None
    country: Text = None


class LeadState(BaseModel):
    """The state inside a lead event."""

    model_config = ConfigDict(extra="allow")

    stage_id: Annotated[
        str | int | None, Field(description="Kept, never used: Odoo's mapping goes by `stage`.")
    ] = None
    stage: Text = None
    summary: Text = None
    date: When = None


class LeadPayload(Payload):
    """The predecessor's lead event; `state.date` is when it happened."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "manychat_id": "MC99999",
                "first_name": "Ana",
                "last_name": "García",
                "phone": "+521234567891",
                "channel": "Facebook",
                "entry_date": "2025-06-10T10:00:00Z",
                "medical_advisor_id": 101,
                "commercial_advisor_id": 700,
                "state": {
                    "stage_id": 3,
                    "stage": "Comienza Atención Comercial",
                    "summary": "Preguntó por el producto X.",
                    "date": "2025-06-10T10:15:00Z",
                },
            }
        },
    )

    first_name: Text = None
    last_name: Text = None
    phone: str | int | None = None
    channel: str | int | None = None
    entry_date: When = None
    medical_advisor_id: Reference = None
    commercial_advisor_id: Reference = None
    state: LeadState | Text = None


PAYLOADS: Mapping[EventType, type[Payload]] = {
    EventType.CONTACT: ContactPayload,
    EventType.ASSIGNMENT: AssignmentPayload,
    EventType.STAGE: StageChangePayload,
    EventType.ADDRESS: AddressPayload,
    EventType.LEAD: LeadPayload,
}


def body_schema(type: EventType) -> dict[str, Any]:
    """The JSON Schema of a kind's body, with its example and without references."""
    return inlined_schema(PAYLOADS[type])


def json_schema(type: EventType) -> dict[str, Any]:
    """The same as a document of its own."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | body_schema(type)


def inlined_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model, without references."""
    schema = model.model_json_schema()
    inner = schema.pop("$defs", {})
    whole: dict[str, Any] = _inlined(schema, inner)
    return whole


def _inlined(node: Any, inner: Mapping[str, Any]) -> Any:
    """Inside an OpenAPI document a reference to `$defs` would lead nowhere."""
    if isinstance(node, dict):
        if "$ref" in node:
            return inner[node["$ref"].rpartition("/")[2]]
        return {key: _inlined(value, inner) for key, value in node.items()}
    return [_inlined(item, inner) for item in node] if isinstance(node, list) else node
