"""The bodies of the mirror's records: what may be written, and what is only shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from bridge.events.payloads import inlined_schema

_READ_ONLY = frozenset(
    {"id", "sync_status", "lead_state", "commercial_advisor_ref", "medical_advisor_ref",
     "created_at", "updated_at", "made_for"}
)  # fmt: skip
_LARGEST = 2**31 - 1


def _text(length: int, at_least: int = 0) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=at_least, max_length=length)


def _no_boolean(value: Any) -> Any:
    """To Python `true` is a 1, and so it would become an id or a sum."""
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


NoBoolean = BeforeValidator(_no_boolean)
Id = Annotated[
    int,
    Field(ge=1, le=_LARGEST),
    NoBoolean,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": _LARGEST},
                {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"},
            ]
        }
    ),
]
TextOrNumber = Annotated[str | int, NoBoolean]
Name = Annotated[str, _text(255, 1)]
Long = Annotated[str, _text(255)]
When = Annotated[
    TextOrNumber, Field(description="ISO 8601 or another form that webhooks take; no zone: Lima's.")
]


Moment = Annotated[
    datetime,
    NoBoolean,
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
            "description": "ISO 8601 (no zone: Lima's) or epoch seconds.",
        }
    ),
]


class Writable(BaseModel):
    """Refuses what only the bridge writes, by name, and what nobody knows."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _writes_only_what_may_be_written(cls, given: Any) -> Any:
        if isinstance(given, dict):
            wrong = read_only_in(given)
            if wrong:
                raise ValueError(f"read-only: {', '.join(wrong)}")
        return given

    @field_validator("*")
    @classmethod
    def _blank_is_nothing(cls, value: Any) -> Any:
        return value or None if isinstance(value, str) else value


class ContactBody(Writable):
    """A contact; what is written flows to Odoo."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "manychat_id": "MC12345",
                "first_name": "Juan",
                "last_name": "Pérez",
                "phone": "+521234567890",
                "channel_id": 1,
            }
        }
    )

    manychat_id: TextOrNumber
    first_name: Long | None = None
    last_name: Long | None = None
    email: Long | None = None
    gender: Long | None = None
    phone: TextOrNumber | None = None
    subscription_date: When | None = None
    entry_date: When | None = None
    initial_state: Long | None = None
    channel_id: Id | None = None


class CampaignBody(Writable):
    """A campaign."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Campaña Invierno 2025",
                "date_start": "2025-06-12T14:49:28.163Z",
                "date_end": "2025-12-31T23:59:59.000Z",
                "budget": 50000,
                "status": "Activa",
                "channel_id": 1,
            }
        }
    )

    name: Name
    date_start: Moment | None = None
    date_end: Moment | None = None
    budget: Annotated[float, Field(ge=0, lt=1e10, strict=True), NoBoolean] | None = None
    status: Annotated[str, _text(50)] | None = None
    channel_id: Id | None = None


class ChannelBody(Writable):
    """A channel; case, accents and punctuation make no other one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Facebook Messenger",
                "description": "Canal oficial de Facebook",
            }
        }
    )

    name: Annotated[str, _text(100, 1)]
    description: Long | None = None


class AdvisorBody(Writable):
    """A salesperson or a doctor; the e-mail is what Odoo's user is found by."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Dra. Laura",
                "email": "laura@ejemplo.com",
                "phone": "+521234567891",
            }
        }
    )

    name: Name
    email: Long | None = None
    phone: Annotated[str, _text(50)] | None = None
    role: Annotated[str, _text(50)] | None = None
    status: Annotated[str, _text(50)] | None = None
    genre: Annotated[str, _text(20)] | None = None
    is_active: Annotated[bool, Field(strict=True)] = True


class CampaignContactFields(Writable):
    """What may be written of a contact in a campaign; a state adds to the history."""

    commercial_advisor_id: Id | None = None
    medical_advisor_id: Id | None = None
    registration_date: When | None = None
    commercial_assignment_date: When | None = None
    commercial_process_start_date: When | None = None
    medical_assignment_date: When | None = None
    medical_process_start_date: When | None = None
    medical_process_end_date: When | None = None
    quotation_start_date: When | None = None
    sale_order_date: When | None = None
    successful_sale_date: When | None = None
    conversation_closed_date: When | None = None
    last_state: Long | None = None
    summary: str | None = None


class CampaignContactBody(CampaignContactFields):
    """A contact in a campaign; the campaign comes into force."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "contact_id": 1,
                "campaign_id": 1,
                "commercial_advisor_id": 1,
                "last_state": "Asignado a campaña",
                "summary": "Pidió una cita.",
            }
        }
    )

    contact_id: Id
    campaign_id: Id | None


def read_only_in(given: Iterable[str]) -> list[str]:
    """The names that only the bridge writes."""
    return sorted(name for name in given if name in _READ_ONLY or name.startswith("odoo_"))


def schema_of(body: type[BaseModel], optional: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON Schema of a body, in which the `optional` fields are not required."""
    schema = inlined_schema(body)
    left = [name for name in schema.pop("required", ()) if name not in set(optional)]
    return schema | ({"required": left} if left else {})
