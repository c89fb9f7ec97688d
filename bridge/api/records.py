"""The mirror's records over HTTP: a table of resources, six routes each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response, Security
from fastapi_problem.error import StatusProblem

from bridge.api import problems
from bridge.api.asking import ask_desk, read_object, validated
from bridge.api.parts import settings_of
from bridge.api.record_bodies import (
    AdvisorBody,
    CampaignBody,
    CampaignContactBody,
    ChannelBody,
    ContactBody,
    Writable,
    schema_of,
)
from bridge.api.record_lists import filters_of, orders, parameters
from bridge.api.record_rows import ROWS, page_of
from bridge.api.security import full_key
from bridge.events.reading import Rules

Row = dict[str, Any]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


@dataclass(frozen=True)
class Resource:
    """One kind of record, called `one` in the document; with its article, for "Create …".

    `identity` names what a record is known by and never changes; `kept` what a PUT leaves as it
    is unless it is named, because it follows from the history.
    """

    name: str
    one: str
    body: type[Writable]
    identity: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()


_CLEARED_BY_PUT = {"commercial_advisor_id", "medical_advisor_id", "summary"}
RESOURCES = (
    Resource("contacts", "a contact", ContactBody, ("manychat_id",)),
    Resource("campaigns", "a campaign", CampaignBody),
    Resource("channels", "a channel", ChannelBody),
    Resource("advisors", "an advisor", AdvisorBody),
    Resource(
        "campaign-contacts",
        "a contact's campaign",
        CampaignContactBody,
        ("contact_id", "campaign_id"),
        frozenset(CampaignContactBody.model_fields) - _CLEARED_BY_PUT,
    ),
)


def router_of(resource: Resource) -> APIRouter:
    """The six routes of one resource."""
    name, thing = resource.name, resource.one
    router = APIRouter(prefix=f"/{name}", tags=[name], dependencies=[Security(full_key)])
    row = ROWS[name]
    common = (problems.MissingKey, problems.KeyTooNarrow, problems.BadValue, problems.MirrorAway)
    one, written = (problems.NotFound,), (problems.Conflict, problems.TooLarge)

    def add(
        path: str,
        method: str,
        does: str,
        route: Callable[..., Any],
        also: tuple[type[StatusProblem], ...] = (),
        **options: Any,
    ) -> None:
        responses = problems.documented(*common, *also)
        router.add_api_route(
            path, route, methods=[method], summary=f"{does} {thing}", responses=responses, **options
        )

    add_list(router, name, common)
    add("/", "POST", "Create", _create(resource), written, status_code=201, response_model=row,
        openapi_extra=_body(resource))  # fmt: skip
    add("/{id}", "GET", "Read", _read(resource), one, response_model=row)
    add("/{id}", "PUT", "Replace", _replace(resource), one + written, response_model=row,
        openapi_extra=_body(resource, optional=resource.identity))  # fmt: skip
    add("/{id}", "PATCH", "Change", _change(resource), one + written, response_model=row,
        openapi_extra=_body(resource, optional=tuple(resource.body.model_fields)))  # fmt: skip
    add("/{id}", "DELETE", "Delete", _remove(resource), (*one, problems.Conflict), status_code=204)
    return router


def add_list(router: APIRouter, name: str, common: tuple[type[StatusProblem], ...]) -> None:
    """Add the route that lists this kind."""
    router.add_api_route(
        "/",
        list_of(name),
        methods=["GET"],
        summary=f"List {name.replace('-', ' ')}",
        response_model=page_of(name),
        responses=problems.documented(*common),
        openapi_extra={"parameters": parameters(name)},
    )


def list_of(name: str) -> Callable[..., Any]:
    """The route that lists records of this kind."""
    order: Any = Query(
        "id",
        description="A column; `-column` for descending.",
        json_schema_extra={"enum": list(orders(name))},
    )

    async def list_records(
        request: Request,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        size: Annotated[int, Query(ge=1, le=200)] = 50,
        # as a default: an annotation is text by now, and would not find `order`
        sort: str = order,
    ) -> dict[str, Any]:
        """One page; filters compare for equality."""
        region = settings_of(request.app).default_phone_region
        filters = filters_of(request, name, region)
        rows, total = await ask_desk(
            request, lambda desk: desk.listing(name, page, size, sort, filters)
        )
        items = [_shown(row) for row in rows]
        pages = -(-total // size)
        return {"items": items, "total": total, "page": page, "size": size, "pages": pages}

    return list_records


def _create(resource: Resource) -> Callable[..., Any]:
    async def create_record(request: Request) -> Row:
        """A new record."""
        body = _validated(resource, await read_object(request), {})
        values = {k: v for k, v in body.items() if v is not None or k in resource.identity}
        return await _written(
            request, values, lambda desk, *said: desk.create(resource.name, *said)
        )

    return create_record


def _read(resource: Resource) -> Callable[..., Any]:
    async def read_record(request: Request, id: Id) -> Row:
        """One record."""
        return _shown(await ask_desk(request, lambda desk: desk.read(resource.name, id)))

    return read_record


def _replace(resource: Resource) -> Callable[..., Any]:
    async def replace_record(request: Request, id: Id) -> Row:
        """Write the whole record: what is absent is cleared."""
        given = await read_object(request)
        before = await ask_desk(request, lambda desk: desk.read(resource.name, id))
        values = _validated(resource, given, {key: before[key] for key in resource.identity})
        values = {k: v for k, v in values.items() if k in given or k not in resource.kept}
        return await _changed(request, resource, id, values)

    return replace_record


def _change(resource: Resource) -> Callable[..., Any]:
    async def change_record(request: Request, id: Id) -> Row:
        """Write some fields: what is absent stays, `null` clears."""
        given = await read_object(request)
        before = await ask_desk(request, lambda desk: desk.read(resource.name, id))
        fields = resource.body.model_fields.items()
        required = {key: before[key] for key, field in fields if field.is_required()}
        values = _validated(resource, given, required)
        values = {key: value for key, value in values.items() if key in given}
        return await _changed(request, resource, id, values)

    return change_record


def _remove(resource: Resource) -> Callable[..., Any]:
    async def remove_record(request: Request, id: Id) -> Response:
        """Delete a record that nothing else points to."""
        await ask_desk(request, lambda desk: desk.remove(resource.name, id))
        return Response(status_code=204)

    return remove_record if resource.name != "contacts" else remove_contact


async def remove_contact(
    request: Request,
    id: Id,
    erase: Annotated[
        bool,
        Query(description="Erase the person: history, ledger, inbox, dead letters and Odoo too."),
    ] = False,
) -> Response:
    """Delete a contact that is in no campaign; `erase=true` erases whatever it is in."""
    if erase:
        await ask_desk(request, lambda desk: desk.erase(id, datetime.now(UTC)))
    else:
        await ask_desk(request, lambda desk: desk.remove("contacts", id))
    return Response(status_code=204)


async def _changed(request: Request, resource: Resource, id: int, values: Row) -> Row:
    return await _written(
        request, values, lambda desk, *said: desk.change(resource.name, id, *said)
    )


async def _written(request: Request, values: Row, write: Callable[..., Row]) -> Row:
    """What `write` (desk, values, rules, now) made of the values, as it is shown."""
    rules, now = Rules.from_settings(settings_of(request.app)), datetime.now(UTC)
    zoned = _zoned(values, rules)
    return _shown(await ask_desk(request, lambda desk: write(desk, zoned, rules, now)))


def _validated(resource: Resource, given: Row, base: Row) -> Row:
    """The body's values, of `base` where it says nothing. Raises RequestValidationError."""
    return validated(resource.body, {**base, **given}).model_dump()


def _zoned(values: Row, rules: Rules) -> Row:
    return {
        key: value.replace(tzinfo=rules.timezone)
        if isinstance(value, datetime) and value.tzinfo is None
        else value
        for key, value in values.items()
    }


def _shown(row: Row) -> Row:
    return {k: float(v) if isinstance(v, Decimal) else v for k, v in row.items()}


def _body(resource: Resource, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    schema = schema_of(resource.body, optional)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
