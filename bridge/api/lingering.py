"""HTTP connections that outlive a stop for a moment, so that a reload refuses no request.

Uvicorn closes every idle connection at once when a stop comes, and every other one after its answer
without having said so; a request that its caller was just sending there is lost, and ManyChat
repeats none. Here the next answer says `Connection: close`, and only what stays idle is closed, a
moment later. A request's head is bounded as well: httptools gathers headers without end. Without
gunicorn (`python -m bridge serve`) only that is needed.
"""

from __future__ import annotations

from asyncio import Transport
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

LINGER_SECONDS = 5.0
MAX_HEAD_BYTES = 65536  # as h11 has it; what one read from the socket brings may exceed it


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's own protocol, but for how long a request's head may be."""

    gathered = 0  # bytes since a request began, or since the last bytes of its body

    def data_received(self, data: bytes) -> None:
        self.gathered += len(data)
        super().data_received(data)
        if self.gathered > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Request head too large.")

    def on_message_begin(self) -> None:
        self.gathered = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self.gathered = 0
        super().on_body(body)


class LingeringProtocol(BoundedProtocol):
    """That, and how a connection ends."""

    ending: ClassVar[bool] = False  # of the process: connections may still be made for a moment

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.ending:
            self.shutdown()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.ending:
            self._announce()

    def shutdown(self) -> None:
        """End gently; called by the server once for each connection."""
        type(self).ending = True
        self._announce()
        self.loop.call_later(LINGER_SECONDS, self._close_if_idle)

    def _announce(self) -> None:
        """Let the answer that is being made say that it is the last one."""
        if not self._is_idle and not self.cycle.response_started:
            self.cycle.keep_alive = False

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
