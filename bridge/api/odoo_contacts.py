"""Contacts in Odoo (`res.partner`), read and written live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.api import problems
from bridge.api.asking import ask_contacts, read_object, request_body, validated
from bridge.api.odoo_contact_bodies import EXAMPLE, ContactBody, NewContactBody, values_of
from bridge.api.parts import settings_of
from bridge.api.record_lists import spellings_of_email, spellings_of_phone
from bridge.api.security import full_key
from bridge.events.cleaning.text import clean_id
from bridge.log import get_logger

router = APIRouter(prefix="/odoo/contacts", tags=["odoo"], dependencies=[Security(full_key)])
_log = get_logger(__name__)
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


class ContactPage(BaseModel):
    """One page of contacts."""

    items: list[Contact]
    total: int
    page: int
    size: int
    pages: int


class ContactFilter(BaseModel):
    """What a contact has to be; everything that is given has to fit."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Annotated[int, Field(ge=1, le=200)] = 50
    sort: Annotated[Order, Field(description="`-` before it: descending.")] = "id"
    manychat_id: str | None = None
    phone: Annotated[str | None, Field(description="In any form that webhooks take.")] = None
    email: str | None = None
    search: Annotated[
        str | None, Field(description="A part of name, e-mail or phone, or a whole ManyChat id.")
    ] = None
    active: Annotated[bool, Field(description="`false`: the archived ones instead.")] = True


@router.get("/", responses=problems.documented(*_COMMON, problems.BadValue))
async def list_contacts(request: Request, asked: Annotated[ContactFilter, Query()]) -> ContactPage:
    """One page of the contacts in Odoo, with and without a ManyChat id."""
    filters = _filters(asked, settings_of(request.app).default_phone_region)
    rows, total = await ask_contacts(
        request, lambda odoo: odoo.listing(filters, asked.page, asked.size, asked.sort)
    )
    return ContactPage(
        items=[_contact(row) for row in rows],
        total=total,
        page=asked.page,
        size=asked.size,
        pages=-(-total // asked.size),
    )


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


def _filters(asked: ContactFilter, region: str) -> dict[str, Any]:
    texts = {
        "manychat_id": [asked.manychat_id],
        "phone": spellings_of_phone(asked.phone, region) if asked.phone else [None],
        "email": spellings_of_email(asked.email) if asked.email else [None],
    }
    # PostgreSQL takes no NUL, and no text that holds one was ever kept
    given: dict[str, Any] = {
        key: [text.replace("\x00", "") for text in values if text is not None]
        for key, values in texts.items()
        if getattr(asked, key) is not None
    }
    if asked.search:
        given["search"] = asked.search.replace("\x00", "")
    return given | {"active": asked.active}


def _contact(row: Mapping[str, Any]) -> Contact:
    ids = row.get("manychat_ids")
    first = ids[0] if isinstance(ids, list) and ids else None
    try:
        return Contact.model_validate({**row, "id": row.get("partner_id"), "manychat_id": first})
    except ValidationError:
        _log.warning("odoo_asked_in_vain", code="odoo_bad_answer")
        # the cause would repeat the contact
        raise problems.OdooAway(code="odoo_bad_answer") from None
