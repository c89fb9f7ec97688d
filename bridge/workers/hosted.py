"""The workers inside a host that leases the messages and keeps the time, as Azure Functions does.

The handlers and the parts are the workers' own; only who calls them is another.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import Event as Flag
from threading import Timer

from bridge.errors import TransientError
from bridge.events.reading import Rules
from bridge.log import configure, get_logger, log_context
from bridge.mirror.store import Store
from bridge.queue.names import QUEUES
from bridge.queue.reader import Message, QueueReader, decoded
from bridge.queue.writer import DeadLetterSender
from bridge.settings import Settings, load_settings
from bridge.workers import measuring
from bridge.workers.bell import Bell
from bridge.workers.handle import BatchHandler
from bridge.workers.leases import Leases
from bridge.workers.parts import crm_parts, feedback_parts, schedule_part
from bridge.workers.pausing import PauseWatch
from bridge.workers.runner import run_parts

log = get_logger(__name__)

POISON = "-poison"
"""What the host appends to a queue's name for messages that it gave up itself."""
LEASE_SECONDS = 300.0  # half of what the host leases for: it may have waited for a thread
PAUSED_SECONDS = 30.0


def message_of(
    id: str, receipt: str, dequeue_count: int, content: bytes, inserted_at: datetime | None
) -> Message:
    """What the host handed over, as the reader would have read it; `content` is as it was sent."""
    return Message(
        id=id,
        receipt=receipt,
        dequeue_count=dequeue_count,
        text=decoded(content.decode("utf-8", "replace")),
        inserted_at=inserted_at or datetime.now(UTC),
    )


class HostedQueue:
    """One queue's handler for messages that the host leased, one at a time; threads may share it.

    Returning, it has brought the message to its end: deleted, delayed, put back or dead-lettered.
    Each of these makes the host's receipt void, so that the host's own delete does nothing.
    """

    def __init__(self, settings: Settings, store: Store, name: str, suffix: str = "") -> None:
        self._reader = QueueReader(settings, QUEUES[name] + suffix)
        self._paused = PauseWatch(store, name)
        self._handler = BatchHandler(
            self._reader, DeadLetterSender(settings), store, Rules.from_settings(settings),
            max_attempts=settings.max_attempts, horizon=timedelta(days=settings.retention_days),
        )  # fmt: skip

    def handle(self, message: Message) -> None:
        """Handle it as a worker would.

        Raises AwayError or TransientError when mirror or queue is away: the host must count the
        call as failed then, for if not even the release went through, its delete would lose it.
        """
        with log_context(queue=self._reader.queue_name, message_id=message.id):
            if self._paused():
                self._reader.put_back(message, PAUSED_SECONDS)
                return
            measuring.received(self._reader.queue_name, [message], datetime.now(UTC))
            self._handler.handle(Leases(self._reader, [message], time.monotonic, LEASE_SECONDS))


class Hosted:
    """What a host calls: a message of a queue, or the clock's turn."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self._settings = settings
        self._store = store or Store.from_settings(settings)
        self._queues = {
            name + suffix: HostedQueue(settings, self._store, name, suffix)
            for name in QUEUES
            for suffix in ("", POISON)
        }

    def handle(self, name: str, message: Message) -> None:
        """Handle a message of `contact`, `campaign` or their poison queues; raises as they do."""
        self._queues[name].handle(message)

    def work(self, seconds: float) -> None:
        """Push to Odoo, read what changed there, and do the schedule's jobs, for so long.

        Raises TransientError when one of the parts died.
        """
        stop = Flag()
        parts = crm_parts(self._settings, self._store, 1, Bell())
        parts |= feedback_parts(self._settings, self._store)
        parts["schedule"] = schedule_part(self._settings, self._store)
        clock = Timer(seconds, stop.set)
        clock.daemon = True
        clock.start()
        try:
            if run_parts(parts, stop, signals=(), leave=lambda _: None):
                raise TransientError("part_died", "see worker_died in the log")
        finally:
            clock.cancel()

    def close(self) -> None:
        """Give the mirror's connections back."""
        self._store.close()


@cache
def from_environment() -> Hosted:
    """The one of this process, made when the host first calls. Raises SettingsError."""
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    return Hosted(settings)
