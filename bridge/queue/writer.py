"""What workers send with: synchronous, for the dead letters and for feeding the inbox."""

from __future__ import annotations

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from bridge.errors import UnusableEvent
from bridge.events.envelope import Envelope
from bridge.queue.connect import worker_client
from bridge.queue.errors import QueueMissing, translating
from bridge.queue.names import DEAD_LETTER_QUEUE
from bridge.settings import Settings


class QueueWriter:
    """Sends envelopes into one queue, making it if it is missing."""

    def __init__(
        self, settings: Settings, queue_name: str, client: QueueClient | None = None
    ) -> None:
        self.queue_name = queue_name
        self._client = client or worker_client(settings, queue_name)

    def send(self, envelope: Envelope) -> None:
        """Put the envelope into the queue for ever.

        Raises AwayError or TransientError, and UnusableEvent (`too_large`) when it cannot fit.
        """
        send_text(self._client, envelope.checked().dumps())


class DeadLetterSender(QueueWriter):
    """Sends copies of events that are given up."""

    def __init__(self, settings: Settings, client: QueueClient | None = None) -> None:
        super().__init__(settings, DEAD_LETTER_QUEUE, client)

    def send(self, envelope: Envelope) -> None:
        """Put the copy into the dead-letter queue, cut if it does not fit whole."""
        try:
            super().send(envelope)
        except UnusableEvent:
            super().send(envelope.cut())


def send_text(client: QueueClient, text: str, delay: int = 0) -> None:
    """Send a message that is seen after `delay` seconds; makes a missing queue."""
    options = {"time_to_live": -1, "visibility_timeout": delay}
    try:
        with translating():
            client.send_message(text, **options)
    except QueueMissing:
        create(client)
        with translating():
            client.send_message(text, **options)


def create(client: QueueClient) -> None:
    """Make the queue; that another process was faster is no error."""
    with translating():
        try:
            client.create_queue()
        except ResourceExistsError:
            return
