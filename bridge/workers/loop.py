"""The loop around one queue: receive, handle, wait while something is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event as Flag

from bridge.errors import AwayError, TransientError
from bridge.events.reading import Rules
from bridge.log import get_logger, log_context
from bridge.mirror.apply import apply_events
from bridge.mirror.store import Store
from bridge.queue.reader import QueueReader
from bridge.queue.writer import DeadLetterSender
from bridge.workers.handle import Apply, BatchHandler
from bridge.workers.probes import ask_mirror
from bridge.workers.waiting import Rng, system_rng, wait_until_back

log = get_logger(__name__)

IDLE_SECONDS = 1.0
BATCH = 32


class QueueWorker:
    """Takes messages of one queue into the mirror, at least once each."""

    def __init__(
        self,
        reader: QueueReader,
        dead_letters: DeadLetterSender,
        store: Store,
        rules: Rules,
        *,
        max_attempts: int = 5,
        apply: Apply = apply_events,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        rng: Rng = system_rng,
    ) -> None:
        self._reader = reader
        self._store = store
        self._rng = rng
        self._handler = BatchHandler(
            reader,
            dead_letters,
            store,
            rules,
            max_attempts=max_attempts,
            apply=apply,
            now=now,
            monotonic=monotonic,
            rng=rng,
        )

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set; what was begun is finished or released then."""
        with log_context(queue=self._reader.queue_name):
            log.info("worker_started")
            while not stop.is_set():
                self._round(stop)
            log.info("worker_stopped")

    def step(self, stop: Flag | None = None) -> int:
        """One receive and what comes of it; how many messages there were.

        Raises AwayError or TransientError when queue or mirror is away.
        """
        messages = self._reader.receive(BATCH)
        if messages:
            self._handler.handle(messages, stop.is_set if stop else lambda: False)
        return len(messages)

    def _ask_both(self, error: Exception) -> None:
        ask_mirror(self._store, error)
        self._reader.ping()

    def _round(self, stop: Flag) -> None:
        try:
            idle = self.step(stop) == 0
        except (AwayError, TransientError) as error:
            away = error  # the name of an except clause is gone inside a later lambda
            wait_until_back(stop, away, lambda: self._ask_both(away), self._rng)
        else:
            if idle:
                stop.wait(IDLE_SECONDS)
