"""A path with or without its last slash is the same path."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.types import Receive, Scope, Send

_TRIED = "bridge.other_slash_tried"


class EitherSlash:
    """What the router does with a path that no route has: it tries the other spelling, once.

    Starlette would redirect, and a client that does not follow loses its body: ManyChat's post
    to `…/contact/` would vanish without a trace.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router, self._not_found = router, router.default
        router.redirect_slashes, router.default = False, self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _TRIED in scope:
            await self._not_found(scope, receive, send)
            return
        path: str = scope["path"]
        scope[_TRIED] = path
        scope["path"] = path[:-1] if path.endswith("/") else f"{path}/"
        scope["raw_path"] = scope["path"].encode()
        await self._router.app(scope, receive, send)
