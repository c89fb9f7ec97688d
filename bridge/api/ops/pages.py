"""The page's routes that show; `actions.py` has those that do."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from bridge.api.asking import ask_desk
from bridge.api.dead_letters import read_letter
from bridge.api.ops import session
from bridge.api.ops.doors import (
    ForgedForm,
    Form,
    Known,
    OpsRoute,
    forget,
    keep,
    read_form,
)
from bridge.api.ops.masking import masked
from bridge.api.ops.overview import gather
from bridge.api.ops.rendering import HERE, base_of, page
from bridge.api.ops.session import Session
from bridge.api.parts import parts_of, settings_of
from bridge.api.reports import PART_SECONDS
from bridge.api.security import Scope, scope_of
from bridge.errors import BridgeError
from bridge.log import get_logger
from bridge.queue.names import QUEUES

if TYPE_CHECKING:
    from bridge.mirror.reports import ContactSummary
    from bridge.mirror.tracing import Traced

SIZE = 25
Told = dict[str, Any]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]
DONE = {
    "paused": "The hop stops within a second.",
    "resumed": "The hop goes on.",
    "replayed": "The event is on the road again, one revision up.",
    "discarded": "The dead letter is gone for good.",
    "pushed": "What Odoo has not taken is due now.",
}

router = APIRouter(prefix="/ops", include_in_schema=False, route_class=OpsRoute)
_log = get_logger(__name__)


@router.get("/ops.css")
async def style() -> Response:
    """The page's only other file."""
    return FileResponse(HERE / "ops.css", media_type="text/css")


@router.get("/login")
async def login_page(request: Request) -> Response:
    """Asks for a key."""
    return page(request, "login.html", None, wrong=False, ended=False)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Begins a session for a key that opens everything."""
    try:
        key = (await read_form(request)).get("key", "").strip()
    except ForgedForm:
        key = ""
    settings = settings_of(request.app)
    if scope_of(key, settings) is not Scope.FULL:
        _log.warning("key_refused", http_status=401, origin="ops")
        return page(request, "login.html", None, status=401, wrong=True, ended=False)
    response = RedirectResponse(base_of(request), status_code=303)
    keep(request, response, session.begun(key, time.time()))
    _log.info("ops_session_started")
    return response


@router.post("/logout")
async def log_out(request: Request, _: Form) -> Response:
    """Ends the session in this browser."""
    response = RedirectResponse(f"{base_of(request)}/login", status_code=303)
    forget(request, response)
    return response


@router.get("")
async def overview(request: Request, known: Known, done: str = "") -> Response:
    """How the road is."""
    return page(request, "overview.html", known, seen=await gather(request), done=DONE.get(done))


@router.get("/dead-letters")
async def letters(
    request: Request, known: Known, number: PageNumber = 1, done: str = ""
) -> Response:
    """What was given up, the newest first."""
    rows, total = await ask_desk(
        request, lambda desk: desk.listing("dead-letters", number, SIZE, "-id", {})
    )
    told: Told = {"rows": rows, "total": total, "number": number, "done": done}
    return _list(request, known, "letters.html", told)


@router.get("/dead-letters/{id:int}")
async def letter(request: Request, known: Known, id: Id) -> Response:
    """One dead letter, its body masked."""
    return await show_letter(request, known, id, whole=False)


async def show_letter(request: Request, known: Known, id: int, *, whole: bool) -> Response:
    """The letter; `whole` with the body as it came."""
    row = await read_letter(request, id)
    body = row["payload"] if whole else masked(row["payload"])
    return page(request, "letter.html", known, row=row, body=body, whole=whole)


@router.get("/parked")
async def parked(
    request: Request, known: Known, number: PageNumber = 1, done: str = ""
) -> Response:
    """Events that Odoo refused until nobody tried any more."""
    rows, total = await ask_desk(request, lambda desk: desk.parked(SIZE, (number - 1) * SIZE))
    told: Told = {"rows": rows, "total": total, "number": number, "done": done}
    return _list(request, known, "parked.html", told)


@router.get("/trace")
async def trace(request: Request, known: Known, manychat_id: str = "") -> Response:
    """One contact's events through all hops; no name, no phone."""
    wanted = manychat_id.strip()[:100]
    summary: ContactSummary | None = None
    found: list[Traced] = []
    if wanted:
        summary, found = await ask_desk(request, lambda desk: desk.trace(wanted))
    queued = await _in_the_queues(request) if wanted and not found else None
    told: Told = {"wanted": wanted, "summary": summary, "found": found, "queued": queued}
    return page(request, "trace.html", known, **told)


async def _in_the_queues(request: Request) -> int | None:
    """How many messages wait there, which cannot be searched; None while they do not answer."""
    depth = parts_of(request.app).sender.depth
    try:
        async with asyncio.timeout(PART_SECONDS):
            return sum(await asyncio.gather(*(depth(queue) for queue in QUEUES.values())))
    except (BridgeError, TimeoutError):
        return None


def _list(request: Request, known: Session, template: str, told: Told) -> Response:
    more = told["total"] > told["number"] * SIZE
    return page(request, template, known, **told | {"more": more, "done": DONE.get(told["done"])})
