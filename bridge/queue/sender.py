"""What the webhooks use: an asynchronous sender that gives up fast."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue.aio import QueueClient

from bridge.errors import BridgeError
from bridge.events.envelope import Envelope
from bridge.queue.ages import oldest_seconds
from bridge.queue.breaker import Breaker
from bridge.queue.connect import webhook_client, webhook_wire
from bridge.queue.errors import QueueMissing, translating
from bridge.queue.names import CONTACT_QUEUE
from bridge.queue.wire import Wire
from bridge.settings import Settings

SEND_SECONDS = 1.8
"""Everything that one send may take: with the inbox after it the answer stays under 3 s."""


class QueueSender:
    """Sends envelopes; one connection pool a queue, kept until `close`."""

    def __init__(
        self,
        settings: Settings,
        client_for: Callable[[Settings, str], QueueClient] = webhook_client,
        wire_for: Callable[[Settings, str], Wire] = webhook_wire,
        breaker: Breaker | None = None,
    ) -> None:
        self.breaker = breaker or Breaker()
        self._settings = settings
        self._client_for, self._wire_for = client_for, wire_for
        self._clients: dict[str, QueueClient] = {}
        self._wires: dict[str, Wire] = {}

    async def send(self, queue_name: str, envelope: Envelope) -> None:
        """Put the envelope into the queue for ever, making the queue if it is missing.

        Raises AwayError or TransientError (it may have been kept all the same), and
        UnusableEvent (`too_large`) before anything is sent. While the queue fails, most calls
        raise at once.
        """
        text = envelope.checked().dumps()
        self.breaker.admit()
        try:
            with translating():
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send(queue_name, text)
        except (BridgeError, asyncio.CancelledError) as error:
            self.breaker.failed(error)
            raise
        self.breaker.succeeded()

    @property
    def is_shut(self) -> bool:
        """Whether the breaker is open: sends are tried now and then only."""
        return self.breaker.is_open

    async def ping(self) -> None:
        """Raise AwayError or TransientError unless the account answers within the same time."""
        client = self._client(CONTACT_QUEUE)
        try:
            with translating():
                async with asyncio.timeout(SEND_SECONDS):
                    await client.get_queue_properties()
        except QueueMissing:
            return  # it answered; the first send makes the queue

    async def depth(self, queue_name: str) -> int:
        """About how many messages the queue holds; 0 if it is missing. Raises as `ping`."""
        client = self._client(queue_name)
        try:
            with translating():
                async with asyncio.timeout(SEND_SECONDS):
                    properties = await client.get_queue_properties()
        except QueueMissing:
            return 0
        return int(properties.approximate_message_count or 0)

    async def waiting_seconds(self, queue_name: str) -> float:
        """How long the message that comes next has been in the queue; 0 without any.

        Raises as `ping`.
        """
        client = self._client(queue_name)
        try:
            with translating():
                async with asyncio.timeout(SEND_SECONDS):
                    peeked = await client.peek_messages(max_messages=1)
        except QueueMissing:
            return 0.0
        return oldest_seconds(peeked)

    async def close(self) -> None:
        """Give the connections back."""
        for client in self._clients.values():
            await client.close()
        for wire in self._wires.values():
            await wire.close()
        self._clients.clear()
        self._wires.clear()

    def _client(self, queue_name: str) -> QueueClient:
        if queue_name not in self._clients:
            self._clients[queue_name] = self._client_for(self._settings, queue_name)
        return self._clients[queue_name]

    async def _send(self, queue_name: str, text: str) -> None:
        if queue_name not in self._wires:
            self._wires[queue_name] = self._wire_for(self._settings, queue_name)
        wire = self._wires[queue_name]
        try:
            with translating():
                await wire.put(text)
        except QueueMissing:
            await _create(self._client(queue_name))
            with translating():
                await wire.put(text)


async def _create(client: QueueClient) -> None:
    try:
        await client.create_queue()
    except ResourceExistsError:
        return  # another process was faster
