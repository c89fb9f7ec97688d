"""The messages that are still ours: kept while we work, and given back if not finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Lock
from typing import Protocol

from bridge.errors import BridgeError
from bridge.events.envelope import Envelope
from bridge.log import get_logger
from bridge.queue.reader import LEASE_SECONDS, Message, QueueReader

log = get_logger(__name__)

RELEASE_SECONDS = 2.0
_COUNT_WORTH_RESETTING = 2


@dataclass
class _Held:
    """A leased message, since when, and whoever uses its receipt just now."""

    message: Message
    since: float
    lock: Lock = field(default_factory=Lock)


class Leases:
    """The messages of one batch; every act on one of them goes through here.

    `monotonic` tells seconds, `seconds` is how long a lease lasts. A lost lease is an end as
    well: whoever has the message now finds its event in the ledger. Threads may share it: a
    message is not renewed while it is deleted, since each act makes the other's receipt void.
    """

    def __init__(
        self,
        reader: QueueReader,
        messages: Sequence[Message],
        monotonic: Callable[[], float],
        seconds: float = LEASE_SECONDS,
    ) -> None:
        self.messages = tuple(messages)
        self._reader = reader
        self._monotonic = monotonic
        self._seconds = seconds
        since = monotonic()
        self._held = {message.id: _Held(message, since) for message in messages}

    def holds(self, message: Message) -> bool:
        return message.id in self._held

    def delete(self, message: Message) -> None:
        """Take it out of the queue. Raises AwayError or TransientError, and keeps it then."""
        self._end(message, lambda: self._reader.delete(message))

    def delete_all(self, messages: Sequence[Message]) -> None:
        """As `delete`, at once: one that fails keeps no other from going."""
        with ExitStack() as locks:
            for held in [self._held[m.id] for m in messages if self.holds(m)]:
                locks.enter_context(held.lock)
            ours = [message for message in messages if self.holds(message)]
            errors = self._reader.delete_all(ours)
            for message, error in zip(ours, errors, strict=True):
                if error is None:
                    del self._held[message.id]
        for error in filter(None, errors):
            raise error

    def delay(self, message: Message, seconds: float, envelope: Envelope) -> None:
        """Let it be seen again in `seconds`, as `envelope`. Raises as `delete`."""
        self._end(message, lambda: self._reader.delay(message, seconds, envelope))

    def put_back(self, message: Message, seconds: float) -> None:
        """Let a fresh copy of it be seen in `seconds`. Raises as `delete`."""
        self._end(message, lambda: self._reader.put_back(message, seconds))

    def note(self, message: Message, envelope: Envelope) -> None:
        """Renew its lease with `envelope` as its new text; forget it if it was lost.

        Raises AwayError or TransientError when the queue does not answer.
        """
        held = self._held.get(message.id)
        if held is None:
            return
        with held.lock:
            now = self._monotonic()
            if self._reader.delay(message, self._seconds, envelope):
                held.since = now
            else:
                del self._held[message.id]

    def keep(self) -> None:
        """Renew what is older than a third of a lease; forget what was lost.

        Raises AwayError or TransientError when the queue does not answer.
        """
        for held in list(self._held.values()):
            with held.lock:
                now = self._monotonic()
                if not self.holds(held.message) or now - held.since < self._seconds / 3:
                    continue
                if self._reader.renew(held.message, self._seconds):
                    held.since = now
                else:
                    del self._held[held.message.id]

    def release(self) -> None:
        """Let others see soon what is still held; burns no attempt, raises nothing expected."""
        for held in list(self._held.values()):
            try:
                self._give_back(held.message)
            except BridgeError as error:
                # one dead connection is enough to wait for; the rest comes back by itself
                log.info("release_failed", message_id=held.message.id, code=error.code)
                self._held.clear()
                return

    def _give_back(self, message: Message) -> None:
        # a count that our own releases drove up must not look like that of a killer
        if message.dequeue_count >= _COUNT_WORTH_RESETTING:
            self.put_back(message, RELEASE_SECONDS)
        else:
            self._end(message, lambda: self._reader.delay(message, RELEASE_SECONDS))

    def _end(self, message: Message, act: Callable[[], object]) -> None:
        held = self._held.get(message.id)
        if held is None:
            return
        with held.lock:
            if self.holds(message):
                act()
                del self._held[message.id]


class Keepable(Protocol):
    """What runs out unless it is renewed; raises a BridgeError when it cannot be just now."""

    def keep(self) -> None: ...


class Keeper:
    """Renews, in a thread of its own, what a long transaction or a waiting batch holds."""

    def __init__(self, every: float = LEASE_SECONDS / 12) -> None:
        self._every = every
        self._watched: set[Keepable] = set()

    def watch(self, held: Keepable) -> None:
        self._watched.add(held)

    def forget(self, held: Keepable) -> None:
        self._watched.discard(held)

    def run(self, ended: Flag) -> None:
        """Keep what is watched until `ended` is set."""
        while not ended.wait(self._every):
            self.tick()

    def tick(self) -> None:
        """Renew once what is old enough; a queue that is away is asked again next time."""
        for held in list(self._watched):
            try:
                held.keep()
            except BridgeError as error:
                log.warning("renewal_failed", code=error.code)
