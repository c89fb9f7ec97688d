"""The messages of one batch that are still ours: kept, and given back if not finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.errors import BridgeError
from bridge.log import get_logger
from bridge.queue.reader import LEASE_SECONDS, Message, QueueReader

log = get_logger(__name__)

RENEW_AFTER = LEASE_SECONDS / 3
RELEASE_SECONDS = 2.0
_COUNT_WORTH_RESETTING = 2


class Leases:
    """Knows which messages are leased since when (seconds of a monotonic clock).

    A lost lease is an end as well: whoever has the message now finds its event in the ledger.
    """

    def __init__(
        self, reader: QueueReader, messages: Sequence[Message], monotonic: Callable[[], float]
    ) -> None:
        self._reader = reader
        self._monotonic = monotonic
        since = monotonic()
        self._held = {message.id: (message, since) for message in messages}

    def holds(self, message: Message) -> bool:
        return message.id in self._held

    def done(self, message: Message) -> None:
        """Forget a message that was deleted, delayed or put back."""
        self._held.pop(message.id, None)

    def keep(self) -> None:
        """Renew what is older than a third of a lease; forget what was lost.

        Raises AwayError or TransientError when the queue does not answer.
        """
        for message, since in list(self._held.values()):
            now = self._monotonic()
            if now - since < RENEW_AFTER:
                continue
            if self._reader.renew(message, LEASE_SECONDS):
                self._held[message.id] = (message, now)
            else:
                self.done(message)

    def release(self) -> None:
        """Let others see soon what is still held; burns no attempt, raises nothing expected."""
        for message, _since in list(self._held.values()):
            self.done(message)
            try:
                self._give_back(message)
            except BridgeError as error:
                # one dead connection is enough to wait for; the rest comes back by itself
                log.info("release_failed", message_id=message.id, code=error.code)
                return

    def _give_back(self, message: Message) -> None:
        # a count that our own releases drove up must not look like that of a killer
        if message.dequeue_count >= _COUNT_WORTH_RESETTING:
            self._reader.put_back(message, RELEASE_SECONDS)
        else:
            self._reader.delay(message, RELEASE_SECONDS)
