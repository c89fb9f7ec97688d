"""HTTP connections that outlive a stop for a moment, so that a reload refuses no request.

Uvicorn closes every idle connection at once when a stop comes, and every other one after its answer
without having said so; a request that its caller was just sending there is lost, and ManyChat
repeats none. Here the next answer says `Connection: close`, and only what stays idle is closed, a
moment later.
"""

from __future__ import annotations

from asyncio import Transport
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn_worker import UvicornWorker

LINGER_SECONDS = 5.0
CLOSE = (b"connection", b"close")


class LingeringProtocol(H11Protocol):
    """Uvicorn's own protocol in pure Python, but for how it ends."""

    ending: ClassVar[bool] = False  # of the process: connections may still be made for a moment

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.ending:
            self.shutdown()

    def handle_events(self) -> None:
        super().handle_events()
        if self.ending:
            self._announce()

    def shutdown(self) -> None:
        """End gently; called by the server once for each connection."""
        type(self).ending = True
        self._announce()
        self.loop.call_later(LINGER_SECONDS, self._close_if_idle)

    def _announce(self) -> None:
        """Let the answer that is being made say that it is the last one."""
        if self._is_idle or self.cycle.response_started:
            return
        if CLOSE not in self.cycle.default_headers:
            self.cycle.default_headers = [*self.cycle.default_headers, CLOSE]

    def _close_if_idle(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_idle:
            super().shutdown()
        else:
            self.loop.call_later(LINGER_SECONDS, self._close_if_idle)

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete


class LingeringWorker(UvicornWorker):  # type: ignore[misc]
    """Gunicorn's worker with that protocol."""

    CONFIG_KWARGS = {"loop": "auto", "http": LingeringProtocol}
