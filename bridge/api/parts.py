"""What the API stands on: the queue's sender and the mirror's inbox, opened when first used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fastapi import FastAPI

from bridge.events.envelope import Envelope
from bridge.settings import Settings, load_settings

_INBOX_THREADS = 8


class Sender(Protocol):
    """The queue; each call raises a BridgeError when the queue is away."""

    async def send(self, queue_name: str, envelope: Envelope) -> None: ...
    async def ping(self) -> None: ...
    async def close(self) -> None: ...


class Inbox(Protocol):
    """The mirror's inbox, blocking; each call raises a BridgeError when the mirror is away."""

    def keep(self, queue_name: str, envelope: Envelope, now: datetime) -> None: ...
    def ping(self) -> None: ...
    def close(self) -> None: ...


@dataclass
class Parts:
    """The two places that can keep an event; the inbox is called in threads of its own."""

    sender: Sender
    inbox: Inbox
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_INBOX_THREADS, thread_name_prefix="inbox")
    )

    async def in_thread(self, call: Callable[..., None], *args: Any) -> None:
        """Run a blocking inbox call; when the wait is cancelled, the call itself goes on."""
        await asyncio.get_running_loop().run_in_executor(self._pool, call, *args)

    async def close(self) -> None:
        """Give everything back without waiting for a mirror that hangs."""
        await self.sender.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.inbox.close()


def settings_of(app: FastAPI) -> Settings:
    """The app's settings, read at first use: `create_app` itself reads nothing."""
    if app.state.settings is None:
        app.state.settings = load_settings()
    settings: Settings = app.state.settings
    return settings


def parts_of(app: FastAPI) -> Parts:
    """The app's parts, opened at first use unless a test put its own into `app.state.parts`."""
    if app.state.parts is None:
        app.state.parts = open_parts(settings_of(app))
    parts: Parts = app.state.parts
    return parts


def open_parts(settings: Settings) -> Parts:
    """The real parts; connects to nothing yet."""
    # late: the OpenAPI document must not need a queue client or a database driver
    from bridge.api.mirror_inbox import MirrorInbox  # noqa: PLC0415
    from bridge.queue.sender import QueueSender  # noqa: PLC0415

    return Parts(sender=QueueSender(settings), inbox=MirrorInbox(settings))
