"""Deletes a batch's messages at once, from a worker's thread."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from threading import Thread
from typing import Protocol

from bridge.errors import BridgeError
from bridge.queue.connect import webhook_wire
from bridge.queue.errors import translating
from bridge.queue.wire import Wire
from bridge.settings import Settings

_CLOSE_SECONDS = 2.0


class Receipt(Protocol):
    """What a delete has to know of a message."""

    id: str
    receipt: str


class Deleter:
    """Deletes messages of one queue; all readers of a process share one event loop for it."""

    def __init__(self, settings: Settings, queue_name: str) -> None:
        self._settings, self._queue_name = settings, queue_name
        self._wire: Wire | None = None

    def delete(self, messages: Sequence[Receipt]) -> list[BridgeError | None]:
        """What went wrong with each, in their order; None for what is gone."""
        return asyncio.run_coroutine_threadsafe(self._delete_all(messages), _loop()).result()

    async def _delete_all(self, messages: Sequence[Receipt]) -> list[BridgeError | None]:
        if self._wire is None:  # in the loop whose it is
            self._wire = webhook_wire(self._settings, self._queue_name)
            atexit.register(_close, self._wire)
        return await asyncio.gather(*(_delete(self._wire, message) for message in messages))


async def _delete(wire: Wire, message: Receipt) -> BridgeError | None:
    try:
        with translating():
            await wire.delete(message.id, message.receipt)
    except BridgeError as error:
        return error
    return None


def _close(wire: Wire) -> None:
    """Give the connections back; what is left open at the end is an error in the log."""
    with suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(wire.close(), _loop()).result(_CLOSE_SECONDS)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="delete", daemon=True).start()
    return loop
