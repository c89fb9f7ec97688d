"""What the API stands on: queue, inbox and the mirror's desk, opened when first used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fastapi import FastAPI

from bridge.errors import AwayError, TransientError
from bridge.events.envelope import Envelope
from bridge.log import get_logger
from bridge.settings import Settings, load_settings

if TYPE_CHECKING:
    from bridge.api.mirror_desk import MirrorDesk
    from bridge.odoo.contacts import OdooContacts
    from bridge.odoo.leads import OdooLeads

T = TypeVar("T")

_INBOX_THREADS = 8
_DESK_THREADS = 8
_ODOO_THREADS = 4
DESK_SECONDS = 10.0
TRIES = 3
_PAUSE_SECONDS = 0.05
_log = get_logger(__name__)


class Sender(Protocol):
    """The queue; each call raises a BridgeError when the queue is away."""

    async def send(self, queue_name: str, envelope: Envelope) -> None: ...
    async def ping(self) -> None: ...
    async def depth(self, queue_name: str) -> int: ...
    async def waiting_seconds(self, queue_name: str) -> float: ...
    @property
    def is_shut(self) -> bool: ...
    async def close(self) -> None: ...


class Inbox(Protocol):
    """The mirror's inbox, blocking; each call raises a BridgeError when the mirror is away."""

    def keep(self, queue_name: str, envelope: Envelope, now: datetime) -> None: ...
    def ping(self) -> None: ...
    def close(self) -> None: ...


@dataclass
class Parts:
    """The two places that can keep an event, and who answers questions: the desk, and Odoo.

    Each has threads of its own, and inbox and desk have connections of their own: one that is
    slow to answer must not keep a webhook from its inbox. `odoo` and `contacts` (its leads and
    its partners) are None where none is set.
    """

    sender: Sender
    inbox: Inbox
    desk: MirrorDesk | None = None
    odoo: OdooLeads | None = None
    contacts: OdooContacts | None = None
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_INBOX_THREADS, thread_name_prefix="inbox")
    )
    _desk_pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_DESK_THREADS, thread_name_prefix="desk")
    )
    _odoo_pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_ODOO_THREADS, thread_name_prefix="odoo")
    )

    async def in_thread(self, call: Callable[..., None], *args: Any) -> None:
        """Run a blocking inbox call; when the wait is cancelled, the call itself goes on."""
        await asyncio.get_running_loop().run_in_executor(self._pool, call, *args)

    async def ask(self, call: Callable[..., T], *args: Any, seconds: float = DESK_SECONDS) -> T:
        """Run a blocking call of the desk, whole again where it met another writer.

        Raises AwayError after `seconds`, else what the last of three tries raised.
        """
        return await _within(seconds, self._desk_pool, partial(_tried, partial(call, *args)))

    async def ask_odoo(self, call: Callable[..., T], *args: Any, seconds: float) -> T:
        """Run a blocking call to Odoo. Raises AwayError after `seconds`."""
        return await _within(seconds, self._odoo_pool, partial(call, *args))

    async def close(self) -> None:
        """Give everything back without waiting for a mirror that hangs."""
        await self.sender.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._desk_pool.shutdown(wait=False, cancel_futures=True)
        self._odoo_pool.shutdown(wait=False, cancel_futures=True)
        self.inbox.close()
        if self.desk is not None:
            self.desk.close()


def _tried(call: Callable[[], T]) -> T:
    for attempt in range(1, TRIES):
        try:
            return call()
        except TransientError as error:
            # a deadlock, or two that made the same row: the transaction is undone, and the other
            # one is over in a moment
            _log.info("mirror_asked_again", code=error.code)
            time.sleep(_PAUSE_SECONDS * attempt * SystemRandom().uniform(0.5, 1.5))
    return call()


async def _within(seconds: float, pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.get_running_loop().run_in_executor(pool, call)
    except TimeoutError:
        raise AwayError("no_answer_in_time", f"{seconds:g} s") from None


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


def desk_of(app: FastAPI) -> MirrorDesk:
    """The mirror's desk. Raises AwayError when the app was given none."""
    desk = parts_of(app).desk
    if desk is None:
        raise AwayError("no_mirror")
    return desk


def open_parts(settings: Settings) -> Parts:
    """The real parts; connects to nothing yet."""
    # late: the OpenAPI document must not need a queue client or a database driver
    from bridge.api.mirror_desk import MirrorDesk  # noqa: PLC0415
    from bridge.api.mirror_inbox import MirrorInbox  # noqa: PLC0415
    from bridge.api.odoo_turns import OdooTurns  # noqa: PLC0415
    from bridge.mirror.store import Store  # noqa: PLC0415
    from bridge.odoo.client import OdooClient  # noqa: PLC0415
    from bridge.odoo.contacts import OdooContacts  # noqa: PLC0415
    from bridge.odoo.leads import OdooLeads  # noqa: PLC0415
    from bridge.queue.sender import QueueSender  # noqa: PLC0415

    store = Store.from_settings(settings)
    turns = OdooTurns(store, settings.odoo_max_calls_per_second)
    client = OdooClient.from_settings(settings, before_call=turns.wait)
    return Parts(
        QueueSender(settings),
        MirrorInbox(settings),
        MirrorDesk(store),
        OdooLeads(client) if settings.odoo_url else None,
        OdooContacts(client) if settings.odoo_url else None,
    )
