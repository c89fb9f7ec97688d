"""What routes that are no webhooks share: the caller's JSON object, the desk's answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request

from bridge.api.bodies import decode, parse, read_body
from bridge.api.parts import desk_of, parts_of
from bridge.api.problems import BadValue, OdooAway, TooLarge, problem_of
from bridge.errors import AwayError, BridgeError, UnusableEvent
from bridge.log import get_logger

if TYPE_CHECKING:
    from bridge.api.mirror_desk import MirrorDesk
    from bridge.odoo.leads import OdooLeads

T = TypeVar("T")
ODOO_SECONDS = 10.0
_log = get_logger(__name__)


async def read_object(request: Request) -> dict[str, Any]:
    """The body's JSON object. Raises TooLarge, BadValue."""
    body = await read_body(request.stream())
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
    parts = parts_of(request.app)
    try:
        if parts.odoo is None:
            raise AwayError("odoo_not_configured")
        return await parts.ask_odoo(question, parts.odoo, seconds=ODOO_SECONDS)
    except BridgeError as error:
        _log.warning("odoo_asked_in_vain", code=error.code)
        raise OdooAway(code=error.code) from None
