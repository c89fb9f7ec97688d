"""The leads of ManyChat's contacts as they stand in Odoo, read live."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Security
from pydantic import BaseModel, ConfigDict, Field

from bridge.api import problems
from bridge.api.asking import ask_odoo
from bridge.api.odoo_lists import Asked, Page, checked
from bridge.api.parts import settings_of
from bridge.api.security import full_key
from bridge.events.cleaning.text import clean_id

router = APIRouter(prefix="/odoo/leads", tags=["odoo"], dependencies=[Security(full_key)])
_COMMON = (problems.MissingKey, problems.KeyTooNarrow, problems.OdooAway)
EXAMPLE: dict[str, Any] = {
    "lead_id": 1287,
    "manychat_id": "MC99999",
    "name": "Ana García",
    "contact_name": "Ana García",
    "phone": "+521234567891",
    "email": None,
    "active": True,
    "stage": "Comienza Cotización",
    "team": "ManyChat",
    "salesperson": None,
    "channel": "Facebook",
    "campaign": "Chequeo preventivo",
    "state": "Comienza Cotización",
    "state_date": "2025-06-10T10:20:00.000000Z",
    "unmapped": False,
    "commercial": "Ana Ruiz",
    "medical": None,
    "summary": "Pidió el precio del producto X.",
    "synced_at": "2025-06-10T10:20:03.000000Z",
    "dates": {"quotation_start_date": "2025-06-10T10:20:00.000000Z"},
}


class Lead(BaseModel):
    """One lead; advisors by name, or by what ManyChat wrote of them; times in ISO 8601 UTC."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    lead_id: int
    manychat_id: str
    name: str
    contact_name: str | None
    phone: str | None
    email: str | None
    active: Annotated[bool, Field(description="False: archived, or lost.")]
    stage: str | None
    team: str | None
    salesperson: str | None
    channel: str | None
    campaign: str | None
    state: Annotated[str | None, Field(description="In ManyChat's own words.")]
    state_date: str | None
    unmapped: Annotated[bool, Field(description="No rule of the mapping fits the state.")]
    commercial: str | None
    medical: str | None
    summary: str | None
    synced_at: str | None
    dates: Annotated[dict[str, str], Field(description="The funnel dates that are set.")]


class LeadPage(Page[Lead]):
    """One page of leads."""


class LeadFilter(Asked):
    """What a lead has to be; everything that is given has to fit."""

    state: Annotated[
        str | None, Field(description="Without regard to case, accents and punctuation.")
    ] = None
    active: Annotated[
        bool | None, Field(description="Absent: archived and lost ones are listed too.")
    ] = None


@router.get(
    "/", summary="List leads in Odoo", responses=problems.documented(*_COMMON, problems.BadValue)
)
async def list_leads(request: Request, asked: Annotated[LeadFilter, Query()]) -> LeadPage:
    """One page of the leads that have a ManyChat id, the newest first."""
    filters = asked.filters(settings_of(request.app).default_phone_region)
    if asked.active is not None:
        filters["active"] = asked.active
    rows, total = await ask_odoo(
        request, lambda odoo: odoo.listing(filters, asked.page, asked.size)
    )
    return LeadPage.of([checked(Lead, row) for row in rows], total, asked)


@router.get(
    "/by-manychat-id/{manychat_id}",
    summary="Read a contact's lead in Odoo",
    responses=problems.documented(*_COMMON, problems.NotFound, problems.BadValue),
)
async def lead_of_contact(
    request: Request, manychat_id: Annotated[str, Path(max_length=255)]
) -> Lead:
    """The contact's lead, archived or not."""
    wanted = clean_id(manychat_id).value
    if wanted is None:
        raise problems.NotFound
    rows, _ = await ask_odoo(request, lambda odoo: odoo.listing({"manychat_id": [wanted]}, 1, 1))
    if not rows:
        raise problems.NotFound
    return checked(Lead, rows[0])
