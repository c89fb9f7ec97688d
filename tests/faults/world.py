"""The whole road with a saboteur's hands on it: parts, proxies between them, and a fleet."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import requests
from azure.core.exceptions import AzureError
from azure.storage.queue import QueueClient
from sqlalchemy.exc import OperationalError

from devstack.errors import NotReady
from devstack.manychat_server import ManyChatServer, Page
from devstack.odoo_sources import choose
from devstack.ports import LOOPBACK
from devstack.stack import Stack
from tests.faults.fleet import Fleet
from tests.faults.page import MANYCHAT_FIELDS
from tests.faults.people import People
from tests.faults.proxy import Proxy
from tests.faults.readings import Leads, Mirror, Refused
from tests.faults.worker import DEATH_WARRANT

QUEUES = ("manychat-contact-queue", "manychat-campaign-queue", "dead-letter-queue")
POLL_SECONDS = 0.1
CALM_LOOKS = 3


class World:
    """Started by `with`; everything in it may be broken and must end well."""

    def __init__(self, series: str | None = None, *, seed: int = 0, name: str = "faults") -> None:
        settings = {"SYNC_INTERVAL": "1"}
        self.stack = Stack(choose(series), name=name, settings=settings)
        self._seed, self._settings = seed, settings
        self.page = Page(retry_after=1)
        self.people: People | None = None
        """Who works in Odoo, while a night lasts."""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stack.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.fleet.stop()
        self.stack.stop()
        for proxy in (self.queue, self.odoo):
            proxy.stop()
        self._manychat.__exit__()

    def _start(self) -> None:
        stack = self.stack
        url = stack.postgres.createdb("faults-mirror")
        stack.odoo.start()
        self.queue = Proxy(stack.azurite.port, self._seed)
        self.odoo = Proxy(stack.odoo.port, self._seed)
        for proxy in (self.queue, self.odoo):
            proxy.start()
        self._manychat = ManyChatServer(self.page).__enter__()
        self._settings |= {
            "MANYCHAT_API_TOKEN": self.page.token,
            "MANYCHAT_API_URL": self._manychat.url,
            "DATABASE_URL": url,
            "ODOO_URL": f"http://{LOOPBACK}:{self.odoo.port}",
            "AZURE_STORAGE_CONNECTION_STRING": stack.azurite.connection_string.replace(
                f":{stack.azurite.port}/", f":{self.queue.port}/"
            ),
        }
        self.mirror, self.leads = Mirror(url), Leads(stack.odoo)
        self.fleet = Fleet(stack.bridge)
        self.leads.tell_manychat(MANYCHAT_FIELDS)
        self.fleet.start()
        if not self.until(self.mirror.tells_manychat, 60):
            raise NotReady("the bridge has not heard that ManyChat is to be told")

    def condemn_feedback(self) -> None:
        """Let the next worker that applies a person's change die before it commits that."""
        (self.stack.folder / "bridge" / DEATH_WARRANT).touch()

    def pause(self, seconds: float) -> None:
        """Let time pass, with a supervisor at work."""
        self.until(lambda: False, seconds)

    def until(self, reached: Callable[[], bool], seconds: float) -> bool:
        """Whether `reached` became true in time; meanwhile the fleet is looked after."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.fleet.supervise()
            if reached():
                return True
            time.sleep(POLL_SECONDS)
        return False

    def waiting(self) -> dict[str, int]:
        """What is still on its way, by place; -1 where nobody answers."""
        try:
            counts = self.mirror.waiting() | self._depths()
            if not any(counts.values()):
                counts["feed"] = self.leads.unread(self.mirror.read_up_to())
        except OperationalError:
            counts = {"mirror": -1}
        except (requests.RequestException, Refused):
            counts = {"odoo": -1}
        return {name: count for name, count in counts.items() if count}

    def drain(self, seconds: float) -> None:
        """Wait until nothing is on its way any more. Raises NotReady with what still is."""
        calm = 0

        def is_calm() -> bool:
            nonlocal calm
            calm = 0 if self.waiting() else calm + 1
            # a message may be between two places at one look, not at three
            return calm >= CALM_LOOKS

        if not self.until(is_calm, seconds):
            raise NotReady(f"still on its way after {seconds:.0f} s: {self.waiting()}")

    def _depths(self) -> dict[str, int]:
        return {name: _depth(self.stack.azurite.connection_string, name) for name in QUEUES}


def _depth(connection_string: str, name: str) -> int:
    try:
        with QueueClient.from_connection_string(
            connection_string, name, api_version="2023-11-03", retry_total=0
        ) as client:
            return int(client.get_queue_properties().approximate_message_count or 0)
    except AzureError as error:
        return 0 if getattr(error, "status_code", None) == 404 else -1
