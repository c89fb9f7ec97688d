"""One batch of messages: read, apply in one transaction, delete; split when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from bridge.errors import AwayError, BridgeError, PermanentError, TransientError
from bridge.events.envelope import Envelope, NewerEnvelope
from bridge.events.event import Event
from bridge.events.reading import Rules, read_event
from bridge.log import get_logger, log_context
from bridge.mirror.apply import Applied, apply_events
from bridge.mirror.store import Store
from bridge.queue.reader import Message, QueueReader
from bridge.queue.writer import DeadLetterSender
from bridge.workers.leases import Leases
from bridge.workers.probes import ask_mirror
from bridge.workers.reading import Item, unexplained_deliveries, unreadable
from bridge.workers.retry import decide, reason_of
from bridge.workers.waiting import Rng, system_rng

log = get_logger(__name__)

Apply = Callable[[Session, Sequence[tuple[Event, Envelope]], datetime], Applied]
"""Writes events of one transaction; any order of calls ends the same."""

ALONE_FROM = 3
POISON_FROM = 10
NEWER_SECONDS = 60.0


class BatchHandler:
    """Handles what one reader leased.

    Law 1: a message is deleted only after its transaction committed or its copy reached the
    dead-letter queue.
    """

    def __init__(
        self,
        reader: QueueReader,
        dead_letters: DeadLetterSender,
        store: Store,
        rules: Rules,
        *,
        max_attempts: int,
        apply: Apply = apply_events,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        rng: Rng = system_rng,
    ) -> None:
        self._reader = reader
        self._dead_letters = dead_letters
        self._store = store
        self._rules = rules
        self._max_attempts = max_attempts
        self._apply_events = apply
        self._now = now
        self._monotonic = monotonic
        self._rng = rng
        self._leases = Leases(reader, [], monotonic)

    def handle(
        self, messages: Sequence[Message], stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Bring every message to an end: deleted, delayed, put back or dead-lettered.

        Raises AwayError or TransientError when mirror or queue is away; whatever was not done is
        released before. `stopping` is asked between transactions.
        """
        self._leases = Leases(self._reader, messages, self._monotonic)
        try:
            waiting = self._pieces(messages)
            while waiting and not stopping():
                waiting = self._process(waiting[0]) + waiting[1:]
        finally:
            self._leases.release()

    def _pieces(self, messages: Sequence[Message]) -> list[list[Item]]:
        together: list[Item] = []
        alone: list[Item] = []
        for message in messages:
            with log_context(message_id=message.id):
                item = self._read(message)
            if item is not None:
                suspect = unexplained_deliveries(message, item.envelope) >= ALONE_FROM
                (alone if suspect else together).append(item)
        # One of the suspects may kill us: by chance, it is not always the same ones after it.
        alone.sort(key=lambda _: self._rng())
        return [piece for piece in [together, *([item] for item in alone)] if piece]

    def _read(self, message: Message) -> Item | None:
        try:
            envelope = Envelope.loads(message.text)
        except NewerEnvelope as error:
            log.info("newer_envelope", code=error.code, seconds=NEWER_SECONDS)
            self._reader.put_back(message, NEWER_SECONDS)
            self._leases.done(message)
            return None
        except PermanentError as error:
            copy = unreadable(message, self._reader.queue_name)
            self._give_up(message, copy, reason_of(error))
            return None
        return self._read_event(message, envelope)

    def _read_event(self, message: Message, envelope: Envelope) -> Item | None:
        with log_context(event_id=envelope.id, type=envelope.type):
            deliveries = unexplained_deliveries(message, envelope)
            if deliveries >= POISON_FROM:
                self._give_up(message, envelope, f"poison: delivered {deliveries} times")
                return None
            try:
                return Item(message, envelope, read_event(envelope, self._rules))
            except Exception as error:  # noqa: BLE001  (the boundary: decided by class, logged)
                self._give_way(message, envelope, error)
                return None

    def _process(self, piece: list[Item]) -> list[list[Item]]:
        """Apply a piece; what it has to be split into if it failed and can be split."""
        self._leases.keep()
        piece = [item for item in piece if self._leases.holds(item.message)]
        if not piece:
            return []
        try:
            self._apply(piece)
        except Exception as error:  # noqa: BLE001  (the boundary: decided by class, logged)
            judged = self._judged(error)
        else:
            for item in piece:
                self._finished(item)
            return []
        if len(piece) > 1:
            log.info("batch_split", count=len(piece), reason=reason_of(judged))
            half = len(piece) // 2
            return [piece[:half], piece[half:]]
        [item] = piece
        with log_context(event_id=item.envelope.id, message_id=item.message.id):
            self._give_way(item.message, item.envelope, judged)
        return []

    def _apply(self, piece: list[Item]) -> None:
        with self._store.transaction() as session:
            pairs = [(item.event, item.envelope) for item in piece]
            applied = self._apply_events(session, pairs, self._now())
        log.info("batch_mirrored", count=len(piece), new=applied.new)

    def _finished(self, item: Item) -> None:
        log.info(
            "event_mirrored",
            event_id=item.event.event_id,
            manychat_id=item.event.manychat_id,
            type=item.event.type,
            message_id=item.message.id,
        )
        self._reader.delete(item.message)
        self._leases.done(item.message)

    def _judged(self, error: Exception) -> Exception:
        """The error as it counts: away is what the probe says, not what the failed call says."""
        if isinstance(error, PermanentError):
            return error
        ask_mirror(self._store, error)
        if isinstance(error, AwayError):
            return TransientError(error.code, error.detail)
        return error

    def _give_way(self, message: Message, envelope: Envelope, error: Exception) -> None:
        decision = decide(error, envelope.attempts, self._max_attempts, self._rng)
        if not isinstance(error, BridgeError):
            log.error("unexpected_error", exc_info=error)
        if decision.action == "stop":
            raise error
        if decision.action == "dead_letter":
            self._give_up(message, envelope, reason_of(error))
            return
        log.warning(
            "event_delayed",
            reason=reason_of(error),
            attempts=envelope.attempts + 1,
            delay=round(decision.delay, 1),
        )
        self._reader.delay(message, decision.delay, envelope.with_attempt())
        self._leases.done(message)

    def _give_up(self, message: Message, envelope: Envelope, reason: str) -> None:
        self._dead_letters.send(envelope.with_reason(reason, self._reader.queue_name))
        log.warning("event_dead_lettered", event_id=envelope.id, reason=reason)
        self._reader.delete(message)
        self._leases.done(message)
