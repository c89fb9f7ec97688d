"""What workers read with: messages under a lease, kept by the newest receipt."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from azure.storage.queue import QueueClient

from bridge.errors import BridgeError
from bridge.events.envelope import Envelope
from bridge.log import get_logger
from bridge.queue.ages import oldest_seconds
from bridge.queue.connect import worker_client
from bridge.queue.deleter import Deleter
from bridge.queue.errors import LeaseLost, QueueMissing, translating
from bridge.queue.writer import create, send_text
from bridge.settings import Settings

log = get_logger(__name__)

LEASE_SECONDS = 60.0


@dataclass
class Message:
    """One leased message; `receipt` changes with every renewal."""

    id: str
    receipt: str = field(repr=False)
    dequeue_count: int
    text: str = field(repr=False)
    inserted_at: datetime


class QueueReader:
    """Leases messages of one queue.

    Every method raises AwayError or TransientError when the queue does not answer. Those that
    act on a message return False, and log, when its lease was lost meanwhile.
    """

    def __init__(
        self, settings: Settings, queue_name: str, client: QueueClient | None = None
    ) -> None:
        self.queue_name = queue_name
        self._client = client or worker_client(settings, queue_name)
        self._deleter = Deleter(settings, queue_name)

    def receive(self, limit: int = 32, lease: float = LEASE_SECONDS) -> list[Message]:
        """At most `limit` (1 to 32) messages, unseen by others for `lease` seconds."""
        try:
            with translating():
                pages = self._client.receive_messages(
                    messages_per_page=limit, max_messages=limit, visibility_timeout=_whole(lease)
                ).by_page()
                # one page is one request; going on would ask an emptied queue again
                return [_message(raw) for raw in next(pages, [])]
        except QueueMissing:
            create(self._client)
            return []

    def renew(self, message: Message, seconds: float) -> bool:
        """Keep the message unseen for `seconds` from now."""
        return self.delay(message, seconds)

    def delay(self, message: Message, seconds: float, envelope: Envelope | None = None) -> bool:
        """Let the message be seen again in `seconds`, holding `envelope` if one is given."""
        text = envelope.dumps() if envelope else None
        try:
            with translating():
                updated = self._client.update_message(
                    message.id, message.receipt, text, visibility_timeout=_whole(seconds)
                )
        except LeaseLost as error:
            return _lost(message, error)
        message.receipt = str(updated.pop_receipt)
        if text is not None:
            message.text = text
        return True

    def put_back(self, message: Message, seconds: float) -> bool:
        """As `delay`, by a fresh copy: its dequeue count starts at zero."""
        if not self.renew(message, LEASE_SECONDS):
            return False
        send_text(self._client, message.text, delay=_whole(seconds))
        self.delete(message)
        return True

    def delete(self, message: Message) -> bool:
        """Take the message out of the queue for good."""
        try:
            with translating():
                self._client.delete_message(message.id, message.receipt)
        except LeaseLost as error:
            return _lost(message, error)
        return True

    def delete_all(self, messages: Sequence[Message]) -> list[BridgeError | None]:
        """As `delete`, at once: what went wrong with each, in their order; raises nothing."""
        errors = self._deleter.delete(messages)
        for message, error in zip(messages, errors, strict=True):
            if isinstance(error, LeaseLost):
                _lost(message, error)
        return [None if isinstance(error, LeaseLost) else error for error in errors]

    def depth(self) -> int:
        """About how many messages the queue holds, leased ones included; 0 if it is missing."""
        try:
            with translating():
                return int(self._client.get_queue_properties().approximate_message_count or 0)
        except QueueMissing:
            return 0

    def waiting_seconds(self) -> float:
        """How long the message that comes next has been in the queue; 0 without any."""
        try:
            with translating():
                return oldest_seconds(self._client.peek_messages(max_messages=1))
        except QueueMissing:
            return 0.0

    def ping(self) -> None:
        """Raise unless the queue's account answers."""
        self.depth()


def _lost(message: Message, error: LeaseLost) -> bool:
    log.info("lease_lost", message_id=message.id, code=error.detail)
    return False


def _whole(seconds: float) -> int:
    return max(0, math.ceil(seconds))


def _message(raw: Any) -> Message:
    return Message(
        id=str(raw.id),
        receipt=str(raw.pop_receipt),
        dequeue_count=int(raw.dequeue_count or 0),
        text=decoded(str(raw.content or "")),
        inserted_at=raw.inserted_on or datetime.now(UTC),
    )


def decoded(content: str) -> str:
    """The text inside base64; a message that somebody posted as plain text is taken as it is."""
    try:
        return base64.b64decode("".join(content.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return content
