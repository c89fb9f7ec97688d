"""The bodies of contacts in Odoo: their spellings, and what becomes of their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from bridge.api.problems import BadValue
from bridge.api.record_bodies import TextOrNumber
from bridge.events.cleaning.emails import clean_email
from bridge.events.cleaning.phones import clean_phone
from bridge.events.cleaning.text import clean_id

EXAMPLE: dict[str, Any] = {
    "id": 231,
    "manychat_id": "MC99999",
    "manychat_ids": ["MC99999"],
    "name": "Ana García",
    "phone": "+521234567891",
    "email": None,
    "street": "Av. Sol 123",
    "district": None,
    "city": "Cusco",
    "state": "Cusco",
    "country": "Perú",
    "active": True,
    "created_at": "2025-06-10T10:05:01.000000Z",
    "updated_at": "2025-06-10T10:20:03.000000Z",
}
_BODY: dict[str, Any] = {
    "manychat_id": "MC99999",
    "name": "Ana García",
    "phone": "+521234567891",
    "email": "ana@ejemplo.com",
    "city": "Cusco",
    "country": "PE",
}
_SPELLINGS: Mapping[str, str] = {
    "x_manychat_id": "manychat_id",
    "nombre_lead": "first_name",
    "apellido_lead": "last_name",
    "whatsapp": "phone",
    "mobile": "phone",
    "email_lead": "email",
    "street2": "district",
}
"""The predecessor's, the webhooks' and Odoo's own names of the same."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class ContactBody(BaseModel):
    """What may be written of a contact; `first_name` and `last_name` make up a missing `name`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _BODY})

    manychat_id: TextOrNumber | None = None
    name: Name | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    phone: TextOrNumber | None = None
    email: Text | None = None
    street: Text | None = None
    district: Text | None = None
    city: Text | None = None
    state: Text | None = None
    country: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_our_words(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        ours = {key: value for key, value in given.items() if key not in _SPELLINGS}
        for key, value in given.items():
            if key in _SPELLINGS and ours.get(_SPELLINGS[key]) in (None, ""):
                ours[_SPELLINGS[key]] = value
        return ours

    @property
    def whole_name(self) -> str:
        """The name, else what its parts make up; empty without any."""
        return self.name or " ".join(filter(None, (self.first_name, self.last_name)))


class NewContactBody(ContactBody):
    """A new contact; it has to have a name."""

    @model_validator(mode="after")
    def _has_a_name(self) -> NewContactBody:
        if not self.whole_name:
            raise ValueError("a name is due")
        return self


def values_of(body: ContactBody, region: str) -> dict[str, Any]:
    """What Odoo is to write; `False` clears. Raises BadValue for what cannot be read."""
    given = body.model_dump(exclude_unset=True, exclude={"first_name", "last_name"})
    values: dict[str, Any] = {key: value or False for key, value in given.items()}
    if body.whole_name:
        values["name"] = body.whole_name
    elif "name" in given:
        raise BadValue("name: cannot be cleared")
    for key in values.keys() & {"phone", "email", "manychat_id"}:
        if values[key]:
            values[key] = _cleaned(key, values[key], region)
    return values


def _cleaned(key: str, value: Any, region: str) -> str:
    if key == "phone":
        cleaned = clean_phone(value, region)
    else:
        cleaned = clean_email(value) if key == "email" else clean_id(value)
    if cleaned.value is None:
        raise BadValue(f"{key}: {cleaned.code}")
    return cleaned.value
