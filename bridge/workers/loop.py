"""The loop around one queue: a receiver, lanes that handle its batches, a keeper of leases."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from threading import Event as Flag
from threading import Semaphore

from sqlalchemy.orm import Session

from bridge.errors import AwayError, TransientError
from bridge.events.reading import Rules
from bridge.log import get_logger, log_context
from bridge.mirror.apply import apply_events
from bridge.mirror.database_clock import database_now
from bridge.mirror.store import Store
from bridge.queue.reader import LEASE_SECONDS, Message, QueueReader
from bridge.queue.writer import DeadLetterSender
from bridge.workers import measuring
from bridge.workers.handle import ALONE_FROM, HORIZON, Apply, BatchHandler
from bridge.workers.leases import Keeper, Leases
from bridge.workers.probes import ask_mirror
from bridge.workers.pulse import Pulse
from bridge.workers.threads import begin
from bridge.workers.waiting import Rng, system_rng, wait_until_back

log = get_logger(__name__)

IDLE_SECONDS = 1.0
_SHORT_PAUSE = 0.05
_ROOM_SECONDS = 0.2
BATCH = 32


class QueueWorker:
    """Takes messages of one queue into the mirror, at least once each.

    While `concurrency` batches are applied, the next one is fetched already. Batches of one
    contact in two lanes end alike in any order; the mirror's locks keep them apart.
    """

    def __init__(
        self,
        reader: QueueReader,
        dead_letters: DeadLetterSender,
        store: Store,
        rules: Rules,
        *,
        max_attempts: int = 5,
        horizon: timedelta = HORIZON,
        concurrency: int = 1,
        lease_seconds: float = LEASE_SECONDS,
        apply: Apply = apply_events,
        committed: Callable[[], None] = lambda: None,
        paused: Callable[[], bool] = lambda: False,
        clock: Callable[[Session], datetime] = database_now,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
        rng: Rng = system_rng,
    ) -> None:
        self._reader = reader
        self._store = store
        self._rng = rng
        self._monotonic = monotonic
        self._paused = paused
        self._now = now
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._keeper = Keeper(lease_seconds / 12)
        self._room = Semaphore(concurrency + 1)
        self._handed: SimpleQueue[Leases | None] = SimpleQueue()
        self._failed: SimpleQueue[Exception] = SimpleQueue()
        self._idle_pause = IDLE_SECONDS
        self._handler = BatchHandler(
            reader, dead_letters, store, rules, max_attempts=max_attempts, horizon=horizon,
            apply=apply, committed=committed, clock=clock, now=now, pause=pause, rng=rng,
        )  # fmt: skip

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set; what was begun is finished or released then."""
        with log_context(queue=self._reader.queue_name):
            log.info("worker_started", count=self._concurrency)
            ended = Flag()
            keeper = begin(self._keeper.run, ended)
            lanes = [begin(self._lane, stop) for _ in range(self._concurrency)]
            try:
                while not stop.is_set():
                    self._round(stop)
            finally:
                for _ in lanes:
                    self._handed.put(None)
                for thread in lanes:
                    thread.join()
                ended.set()
                keeper.join()
            log.info("worker_stopped")

    def step(self, stop: Flag | None = None) -> int:
        """One receive and what comes of it, in this thread; how many messages there were.

        Raises AwayError or TransientError when queue or mirror is away.
        """
        leases = self._receive()
        self._handle(leases, stop or Flag())
        return len(leases.messages)

    def _round(self, stop: Flag) -> None:
        if not self._take_room(1, stop):
            return
        if not self._failed.empty():
            self._room.release()
            self._wait_out(stop, self._failed.get())
            return
        if self._paused():
            self._room.release()
            stop.wait(IDLE_SECONDS)
            return
        try:
            leases = self._receive()
        except (AwayError, TransientError) as error:
            self._room.release()
            self._failed.put(error)
        else:
            self._hand_over(leases, stop)

    def _hand_over(self, leases: Leases, stop: Flag) -> None:
        if not leases.messages:
            self._room.release()
            stop.wait(self._idle_pause)
            self._idle_pause = min(IDLE_SECONDS, self._idle_pause * 2)
            return
        self._idle_pause = _SHORT_PAUSE
        if any(message.dequeue_count >= ALONE_FROM for message in leases.messages):
            self._hand_over_alone(leases, stop)
        else:
            self._handed.put(leases)

    def _hand_over_alone(self, leases: Leases, stop: Flag) -> None:
        """What may kill the process takes no other batch with it."""
        self._take_room(self._concurrency, stop)
        self._handed.put(leases)
        self._take_room(1, stop)
        self._room.release(self._concurrency + 1)

    def _take_room(self, count: int, stop: Flag) -> bool:
        """Wait until `count` more batches may be on their way; False when stopped before."""
        stopped = stop.is_set_quietly if isinstance(stop, Pulse) else stop.is_set
        for _ in range(count):
            while not self._room.acquire(timeout=_ROOM_SECONDS):
                if stopped():
                    return False
        return not stop.is_set()

    def _receive(self) -> Leases:
        messages: Sequence[Message] = self._reader.receive(BATCH, self._lease_seconds)
        measuring.received(self._reader.queue_name, messages, self._now())
        leases = Leases(self._reader, messages, self._monotonic, self._lease_seconds)
        self._keeper.watch(leases)
        return leases

    def _lane(self, stop: Flag) -> None:
        while (leases := self._handed.get()) is not None:
            try:
                self._handle(leases, stop)
            except Exception as error:  # noqa: BLE001  (the receiver decides)
                self._failed.put(error)
            finally:
                self._room.release()

    def _handle(self, leases: Leases, stop: Flag) -> None:
        try:
            self._handler.handle(leases, stop.is_set)
        finally:
            self._keeper.forget(leases)

    def _wait_out(self, stop: Flag, error: Exception) -> None:
        """Wait until what failed is back; a bug is no such thing, and ends the worker."""
        if not isinstance(error, AwayError | TransientError):
            raise error
        wait_until_back(stop, error, lambda: self._ask_both(error), self._rng)
        while not self._failed.empty():  # of other lanes, about the same outage
            self._failed.get()

    def _ask_both(self, error: Exception) -> None:
        ask_mirror(self._store, error)
        self._reader.ping()
