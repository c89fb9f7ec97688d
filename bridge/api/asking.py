"""What routes that are no webhooks share: the caller's JSON object, the desk's answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from bridge.api.bodies import Body, decode, parse, read_body
from bridge.api.parts import desk_of, parts_of
from bridge.api.problems import BadValue, OdooAway, TooLarge, problem_of
from bridge.errors import AwayError, BridgeError, PermanentError, UnusableEvent
from bridge.events.payloads import inlined_schema
from bridge.log import get_logger

if TYPE_CHECKING:
    from bridge.api.mirror_desk import MirrorDesk
    from bridge.odoo.contacts import OdooContacts
    from bridge.odoo.leads import OdooLeads

Part = TypeVar("Part")
T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)
ODOO_SECONDS = 10.0
_log = get_logger(__name__)


async def read_object(request: Request) -> dict[str, Any]:
    """The body's JSON object. Raises TooLarge, BadValue."""
    return object_of(request, await read_body(request.stream()))


def object_of(request: Request, body: Body) -> dict[str, Any]:
    """The JSON object of a body that was read. Raises TooLarge, BadValue."""
    if body.oversized:
        raise TooLarge
    text, _ = decode(body.data, request.headers.get("content-type"))
    try:
        value, _ = parse(text)
    except UnusableEvent as error:
        raise BadValue(error.detail, code=error.code) from None
    if not body.complete or not isinstance(value, dict):
        raise BadValue("a whole JSON object is due")
    return value


async def read_model(request: Request, model: type[Model]) -> Model:
    """The body as `model`; none is `{}`. Raises as `read_object`, RequestValidationError."""
    body = await read_body(request.stream())
    nothing = body.complete and not body.length
    return validated(model, {} if nothing else object_of(request, body))


def validated(model: type[Model], given: Any) -> Model:
    """The model. Raises RequestValidationError, which repeats no input."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in errors]
        ) from None


def request_body(model: type[BaseModel], required: bool = False) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its own body."""
    content = {"application/json": {"schema": inlined_schema(model)}}
    return {"requestBody": {"required": required, "content": content}}


async def ask_desk(request: Request, question: Callable[[MirrorDesk], T]) -> T:
    """The desk's answer, in a thread. Raises the problem of what it refused."""
    try:
        return await parts_of(request.app).ask(question, desk_of(request.app))
    except BridgeError as error:
        problem = problem_of(error)
        if problem.status >= 500:
            _log.warning("mirror_asked_in_vain", code=error.code)
        raise problem from None


async def ask_odoo(request: Request, question: Callable[[OdooLeads], T]) -> T:
    """Odoo's answer, in a thread. Raises OdooAway."""
    return await _ask_live(request, question, parts_of(request.app).odoo)


async def ask_contacts(request: Request, question: Callable[[OdooContacts], T]) -> T:
    """Odoo's answer about contacts, in a thread. Raises OdooAway, or the problem it refuses with.

    A write that was not answered in time may have been done all the same.
    """
    return await _ask_live(request, question, parts_of(request.app).contacts)


async def _ask_live(request: Request, question: Callable[[Part], T], part: Part | None) -> T:
    try:
        if part is None:
            raise AwayError("odoo_not_configured")
        return await parts_of(request.app).ask_odoo(question, part, seconds=ODOO_SECONDS)
    except PermanentError as refusal:
        raise problem_of(refusal) from None
    except BridgeError as error:
        _log.warning("odoo_asked_in_vain", code=error.code)
        raise OdooAway(code=error.code) from None
