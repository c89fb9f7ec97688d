"""A proxy between the bridge and one of its parts, which can be told to misbehave."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from random import Random

from devstack.ports import LOOPBACK, free_port

CHUNK = 65536


class Proxy:
    """Passes HTTP on from `port` to `target`, a request at a time.

    `delay` (seconds, asked for each request) holds requests back; `refuse` is the share of them
    that is answered 500 or 503 and never passed on; while `swallow` is set a request is done at
    the target, and the caller's connection is cut (`hold` seconds later) instead of the answer.
    `swallowed` counts those.
    """

    def __init__(self, target: int, seed: int = 0) -> None:
        self.port = free_port()
        self.delay: Callable[[], float] = lambda: 0.0
        self.refuse = 0.0
        self.swallow = False
        self.hold = 0.0
        self.swallowed = 0
        self.random = Random(seed)  # noqa: S311  (faults are to come out the same again)
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def start(self) -> None:
        listening: Future[None] = Future()
        self._thread.start()
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._listen(listening)))
        listening.result(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def behave(self) -> None:
        """Pass everything on again."""
        self.delay, self.refuse, self.swallow, self.hold = (lambda: 0.0), 0.0, False, 0.0

    def _run(self) -> None:
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _listen(self, listening: Future[None]) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        listening.set_result(None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target)
            answers = asyncio.create_task(self._answer(far_reader, writer))
            try:
                while request := await _request(reader):
                    await asyncio.sleep(self.delay())
                    if self.random.random() < self.refuse:
                        status = self.random.choice((b"500 Internal Server Error", b"503 Busy"))
                        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n"
                                     b"Connection: close\r\n\r\n")  # fmt: skip
                        await writer.drain()
                        break
                    far_writer.write(request)
                    await far_writer.drain()
            finally:
                if not self.swallow:
                    answers.cancel()
                far_writer.close()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if self.swallow:
                    self.swallowed += 1
                    await asyncio.sleep(self.hold)
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """One whole request, b"" at the connection's end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)
