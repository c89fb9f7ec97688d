"""Contacts in Odoo (`res.partner`), read and written live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from bridge.api import problems
from bridge.api.asking import ask_contacts, read_object, request_body, validated
from bridge.api.odoo_contact_bodies import EXAMPLE, ContactBody, NewContactBody, values_of
from bridge.api.odoo_lists import Asked, Page, checked, without_nul
from bridge.api.parts import settings_of
from bridge.api.security import full_key
from bridge.events.cleaning.text import clean_id

router = APIRouter(prefix="/odoo/contacts", tags=["odoo"], dependencies=[Security(full_key)])
_COMMON = (problems.MissingKey, problems.KeyTooNarrow, problems.OdooAway)
_WRITTEN = (*_COMMON, problems.BadValue, problems.Conflict)
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
Order = Literal["id", "-id", "name", "-name", "email", "-email", "updated_at", "-updated_at"]


class Contact(BaseModel):
    """One contact; times in ISO 8601 UTC."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: int
    manychat_id: Annotated[str | None, Field(description="The first of them.")]
    manychat_ids: Annotated[list[str], Field(description="The ManyChat contacts that it is.")]
    name: str | None
    phone: str | None
    email: str | None
    street: str | None
    district: str | None
    city: str | None
    state: str | None
    country: str | None
    active: Annotated[bool, Field(description="False: archived.")]
    created_at: str | None
    updated_at: str | None


class ContactPage(Page[Contact]):
    """One page of contacts."""


class ContactFilter(Asked):
    """What a contact has to be; everything that is given has to fit."""

    sort: Annotated[Order, Field(description="`-` before it: descending.")] = "id"
    search: Annotated[
        str | None, Field(description="A part of name, e-mail or phone, or a whole ManyChat id.")
    ] = None
    active: Annotated[bool, Field(description="`false`: the archived ones instead.")] = True


@router.get("/", responses=problems.documented(*_COMMON, problems.BadValue))
async def list_contacts(request: Request, asked: Annotated[ContactFilter, Query()]) -> ContactPage:
    """One page of the contacts in Odoo, with and without a ManyChat id."""
    filters = asked.filters(settings_of(request.app).default_phone_region)
    filters["active"] = asked.active
    if asked.search:
        filters["search"] = without_nul(asked.search)
    rows, total = await ask_contacts(
        request, lambda odoo: odoo.listing(filters, asked.page, asked.size, asked.sort)
    )
    return ContactPage.of([_contact(row) for row in rows], total, asked)


@router.post(
    "/",
    status_code=201,
    responses=problems.documented(*_WRITTEN, problems.TooLarge),
    openapi_extra=request_body(NewContactBody, required=True),
)
async def make_contact(request: Request) -> Contact:
    """Make a contact; with a ManyChat id it is the customer of that contact's lead.

    409 where that contact is in Odoo already.
    """
    body = validated(NewContactBody, await read_object(request))
    values = values_of(body, settings_of(request.app).default_phone_region)
    return _contact(await ask_contacts(request, lambda odoo: odoo.create(values)))


@router.get(
    "/by-manychat-id/{manychat_id}",
    responses=problems.documented(*_COMMON, problems.NotFound, problems.BadValue),
)
async def contact_of(
    request: Request, manychat_id: Annotated[str, Path(max_length=255)]
) -> Contact:
    """The ManyChat contact's partner, archived or not."""
    wanted = clean_id(manychat_id).value
    if wanted is None:
        raise problems.NotFound
    return await _one(request, {"manychat_id": [wanted]})


@router.get("/{id}", responses=problems.documented(*_COMMON, problems.NotFound, problems.BadValue))
async def read_contact(request: Request, id: Id) -> Contact:
    """One contact, archived or not."""
    return await _one(request, {"partner_id": id})


@router.put(
    "/{id}",
    responses=problems.documented(*_WRITTEN, problems.NotFound, problems.TooLarge),
    openapi_extra=request_body(ContactBody, required=True),
)
async def change_contact(request: Request, id: Id) -> Contact:
    """Write the given fields; what is absent stays, `null` clears.

    It counts as a person's change: it comes back to the mirror. 409 for the partner of a user.
    """
    body = validated(ContactBody, await read_object(request))
    values = values_of(body, settings_of(request.app).default_phone_region)
    return _contact(await ask_contacts(request, lambda odoo: odoo.write(id, values)))


@router.delete(
    "/{id}", status_code=204, responses=problems.documented(*_WRITTEN, problems.NotFound)
)
async def remove_contact(
    request: Request,
    id: Id,
    hard: Annotated[bool, Query(description="Delete it, if it has a ManyChat id.")] = False,
) -> Response:
    """Archive a contact; `hard=true` deletes one that has a ManyChat id.

    409 for the partner of a user, and where a contact cannot be deleted.
    """
    await ask_contacts(request, lambda odoo: odoo.remove(id, hard))
    return Response(status_code=204)


async def _one(request: Request, filters: Mapping[str, Any]) -> Contact:
    rows, _ = await ask_contacts(request, lambda odoo: odoo.listing(filters, 1, 1))
    if not rows:
        raise problems.NotFound
    return _contact(rows[0])


def _contact(row: Mapping[str, Any]) -> Contact:
    ids = row.get("manychat_ids")
    first = ids[0] if isinstance(ids, list) and ids else None
    return checked(Contact, {**row, "id": row.get("partner_id"), "manychat_id": first})
