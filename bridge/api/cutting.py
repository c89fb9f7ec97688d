"""Closes the connection of whoever goes on sending after the answer was given."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.api.bodies import DRAIN_LIMIT


class CutOff:
    """ASGI middleware: an answer to a body that is too slow or too long is the connection's last.

    A server would else read on and throw away for as long as somebody sends.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(Headers(scope=scope))

        async def watched() -> Message:
            return body.note(await receive())

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and body.goes_on:
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self._app(scope, watched, closing)


class _Body:
    """What is known of a request's body while it comes in."""

    def __init__(self, headers: Headers) -> None:
        length = headers.get("content-length", "")
        self._endless = "transfer-encoding" in headers
        self._large = length.isdecimal() and int(length) > DRAIN_LIMIT
        self._whole = not self._endless and length in {"", "0"}
        self._begun = False

    @property
    def goes_on(self) -> bool:
        """Whether it was given up half-way, or nobody looked at one that may never end."""
        return not self._whole and (self._begun or self._endless or self._large)

    def note(self, message: Message) -> Message:
        if message["type"] == "http.request":
            self._begun, self._whole = True, not message.get("more_body", False)
        return message
