"""The mirror's records as the API shows them, with an example of each for the docs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

R = TypeVar("R", bound=BaseModel)


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": values})


class ContactRow(BaseModel):
    """A contact; what starts with `odoo_` is what Odoo answered last. Times in UTC."""

    model_config = _example(
        id=1, manychat_id="MC12345", first_name="Juan", last_name="Pérez", email=None,
        gender=None, phone="+521234567890", subscription_date=None,
        entry_date="2025-06-10T10:00:00Z", initial_state="Nuevo", channel_id=1,
        odoo_sync_status="success", odoo_contact_id=231, odoo_contact_active=None,
        odoo_lead_id=1287, odoo_stage="Comienza Cotización", odoo_active=True,
    )  # fmt: skip

    id: int
    manychat_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    gender: str | None
    phone: str | None
    subscription_date: datetime | None
    entry_date: datetime | None
    initial_state: str | None
    channel_id: int | None
    odoo_sync_status: Annotated[str, Field(description="`pending`, `success` or `error`.")]
    odoo_contact_id: Annotated[int | None, Field(description="The contact's partner in Odoo.")]
    odoo_contact_active: Annotated[
        bool | None,
        Field(description="False: somebody archived or deleted the partner; null: never told."),
    ]
    odoo_lead_id: int | None
    odoo_stage: str | None
    odoo_active: Annotated[
        bool | None,
        Field(description="False: somebody archived the lead or lost it; null: not told since."),
    ]


class CampaignRow(BaseModel):
    """A campaign; one that an event named first has the status `unconfirmed`."""

    model_config = _example(
        id=1, name="Campaña Invierno 2025", date_start="2025-06-12T14:49:28.163Z",
        date_end="2025-12-31T23:59:59Z", budget=50000, status="Activa", channel_id=1,
    )  # fmt: skip

    id: int
    name: str
    date_start: datetime | None
    date_end: datetime | None
    budget: float | None
    status: str | None
    channel_id: int | None


class ChannelRow(BaseModel):
    """A channel."""

    model_config = _example(
        id=1, name="Facebook Messenger", description="Canal oficial de Facebook"
    )  # fmt: skip

    id: int
    name: str
    description: str | None


class AdvisorRow(BaseModel):
    """A salesperson or a doctor; `odoo_id` is the user in Odoo."""

    model_config = _example(
        id=1, name="Dra. Laura", email="laura@ejemplo.com", phone="+521234567891", role="medical",
        status=None, genre=None, odoo_id=None, is_active=True, created_at="2025-06-10T10:00:00Z",
        updated_at="2025-06-10T10:00:00Z",
    )  # fmt: skip

    id: int
    name: str
    email: str | None
    phone: str | None
    role: str | None
    status: str | None
    genre: str | None
    odoo_id: int | None
    is_active: bool
    created_at: datetime | None
    updated_at: datetime | None


class CampaignContactRow(BaseModel):
    """A contact in a campaign; `last_state` is ManyChat's state, `lead_state` Odoo's stage."""

    model_config = _example(
        id=1, campaign_id=1, contact_id=1, commercial_advisor_id=1, medical_advisor_id=None,
        commercial_advisor_ref=None, medical_advisor_ref="101",
        registration_date="2025-06-10T10:10:00Z",
        commercial_assignment_date="2025-06-10T10:10:00Z", commercial_process_start_date=None,
        medical_assignment_date=None, medical_process_start_date=None,
        medical_process_end_date=None, quotation_start_date=None, sale_order_date=None,
        successful_sale_date=None, conversation_closed_date=None, last_state="Asignado a campaña",
        lead_state="Recién suscrito Pendiente de AC", summary="Pidió una cita.",
        sync_status="success",
    )  # fmt: skip

    id: int
    campaign_id: int | None
    contact_id: int
    commercial_advisor_id: int | None
    medical_advisor_id: int | None
    commercial_advisor_ref: Annotated[
        str | None, Field(description="An advisor whom the mirror does not know.")
    ]
    medical_advisor_ref: str | None
    registration_date: datetime | None
    commercial_assignment_date: datetime | None
    commercial_process_start_date: datetime | None
    medical_assignment_date: datetime | None
    medical_process_start_date: datetime | None
    medical_process_end_date: datetime | None
    quotation_start_date: datetime | None
    sale_order_date: datetime | None
    successful_sale_date: datetime | None
    conversation_closed_date: datetime | None
    last_state: str | None
    lead_state: str | None
    summary: str | None
    sync_status: str | None


_LETTER: dict[str, Any] = {
    "id": 1, "event_id": "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b", "hop": "api", "type": "contact",
    "revision": 0, "attempts": 0, "reason": "bad_json: at character 17",
    "received_at": "2025-06-10T10:05:00Z", "dead_at": "2025-06-10T10:05:00Z",
    "replayed_at": None,
}  # fmt: skip


class DeadLetterRow(BaseModel):
    """What could not go on, and why; `hop` is where it stopped."""

    model_config = _example(**_LETTER)

    id: int
    event_id: str
    hop: str
    type: str
    revision: int
    attempts: int
    reason: str | None
    received_at: datetime
    dead_at: datetime
    replayed_at: Annotated[
        datetime | None, Field(description="Empty again when the replay could not go on either.")
    ]


class WholeDeadLetter(DeadLetterRow):
    """A dead letter with its raw body, which may hold personal data."""

    model_config = _example(**_LETTER, payload='{"manychat_id": MC99999}')

    payload: Annotated[str, Field(description="JSON text, or whatever was posted in its place.")]


class Page(BaseModel, Generic[R]):
    """One page of a list."""

    items: list[R]
    total: int
    page: int
    size: int
    pages: int


ROWS: dict[str, type[BaseModel]] = {
    "contacts": ContactRow,
    "campaigns": CampaignRow,
    "channels": ChannelRow,
    "advisors": AdvisorRow,
    "campaign-contacts": CampaignContactRow,
    "dead-letters": DeadLetterRow,
}


def page_of(name: str) -> type[BaseModel]:
    """The page model of that kind."""
    row: Any = ROWS[name]
    page: type[BaseModel] = Page[row]
    return page
