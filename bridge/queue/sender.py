"""What the webhooks use: an asynchronous sender that gives up fast."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue.aio import QueueClient

from bridge.errors import BridgeError
from bridge.events.envelope import Envelope
from bridge.queue.breaker import Breaker
from bridge.queue.connect import webhook_client
from bridge.queue.errors import QueueMissing, translating
from bridge.queue.names import CONTACT_QUEUE
from bridge.settings import Settings

SEND_SECONDS = 1.8
"""Everything that one send may take: with the inbox after it the answer stays under 3 s."""


class QueueSender:
    """Sends envelopes; one connection pool a queue, kept until `close`."""

    def __init__(
        self,
        settings: Settings,
        client_for: Callable[[Settings, str], QueueClient] | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.breaker = breaker or Breaker()
        self._settings = settings
        self._client_for = client_for or webhook_client
        self._clients: dict[str, QueueClient] = {}

    async def send(self, queue_name: str, envelope: Envelope) -> None:
        """Put the envelope into the queue for ever, making the queue if it is missing.

        Raises AwayError or TransientError (it may have been kept all the same), and
        UnusableEvent (`too_large`) before anything is sent. While the queue fails, most calls
        raise at once.
        """
        text = envelope.checked().dumps()
        self.breaker.admit()
        client = self._client(queue_name)
        try:
            with translating():
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send(client, text)
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
        now = datetime.now(UTC)  # the account's clock may be ahead of ours
        return max((0.0, *((now - m.inserted_on).total_seconds() for m in peeked if m.inserted_on)))

    async def close(self) -> None:
        """Give the connections back."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def _client(self, queue_name: str) -> QueueClient:
        if queue_name not in self._clients:
            self._clients[queue_name] = self._client_for(self._settings, queue_name)
        return self._clients[queue_name]

    async def _send(self, client: QueueClient, text: str) -> None:
        try:
            with translating():
                await client.send_message(text, time_to_live=-1)
        except QueueMissing:
            await _create(client)
            with translating():
                await client.send_message(text, time_to_live=-1)


async def _create(client: QueueClient) -> None:
    try:
        await client.create_queue()
    except ResourceExistsError:
        return  # another process was faster
