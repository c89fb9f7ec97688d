"""The page's buttons: each is a POST with the session's token, and does what a route does."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from starlette.responses import RedirectResponse, Response

from bridge.api.asking import ask_desk
from bridge.api.dead_letters import discard_letter, replay_letter
from bridge.api.ops.doors import Form, Known
from bridge.api.ops.pages import Id, router, show_letter
from bridge.api.ops.rendering import base_of
from bridge.api.webhooks import Taking
from bridge.log import get_logger
from bridge.mirror.hops import Hop

__all__ = ["router"]  # with what this module hangs into it
_log = get_logger(__name__)
AnyHop = Annotated[Hop, Path()]


@router.post("/hops/{hop}/pause")
async def pause(request: Request, _: Form, hop: AnyHop) -> Response:
    """Stop a hop everywhere."""
    await ask_desk(request, lambda desk: desk.set_paused(str(hop), True))
    _log.warning("ops_action", action="pause", hop=str(hop))
    return _back(request, "", "paused")


@router.post("/hops/{hop}/resume")
async def resume(request: Request, _: Form, hop: AnyHop) -> Response:
    """Let a hop go on."""
    await ask_desk(request, lambda desk: desk.set_paused(str(hop), False))
    _log.warning("ops_action", action="resume", hop=str(hop))
    return _back(request, "", "resumed")


@router.post("/dead-letters/{id:int}/reveal")
async def reveal(request: Request, known: Known, _: Form, id: Id) -> Response:
    """Show the body as it came: a button and not a link, so that it is meant and logged."""
    _log.warning("ops_action", action="reveal", message_id=id)
    return await show_letter(request, known, id, whole=True)


@router.post("/dead-letters/{id:int}/replay")
async def replay(request: Request, _: Form, id: Id, intake: Taking) -> Response:
    """Send a dead letter's event again."""
    await replay_letter(request, id, intake)
    _log.warning("ops_action", action="replay", message_id=id)
    return _back(request, "/dead-letters", "replayed")


@router.post("/dead-letters/{id:int}/discard")
async def discard(request: Request, _: Form, id: Id) -> Response:
    """Throw a dead letter away for good."""
    await discard_letter(request, id)
    _log.warning("ops_action", action="discard", message_id=id)
    return _back(request, "/dead-letters", "discarded")


@router.post("/parked/push")
async def push(request: Request, form: Form) -> Response:
    """Make what Odoo has not taken due now, of one contact or of all."""
    manychat_id = form.get("manychat_id") or None
    count = await ask_desk(request, lambda desk: desk.push_again(manychat_id))
    _log.warning("ops_action", action="push", count=count)
    return _back(request, "/parked", "pushed")


def _back(request: Request, path: str, done: str) -> Response:
    return RedirectResponse(f"{base_of(request)}{path}?done={done}", status_code=303)
