"""One batch of messages: read, apply in one transaction, delete; split when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from bridge.errors import (
    AwayError,
    BridgeError,
    BusyError,
    PermanentError,
    TransientError,
    UnusableEvent,
    reason_of,
)
from bridge.events.envelope import Envelope, NewerEnvelope
from bridge.events.event import Event
from bridge.events.reading import Rules, read_event
from bridge.log import get_logger, log_context
from bridge.mirror.apply import Applied, apply_events
from bridge.mirror.database_clock import database_now
from bridge.mirror.store import Store
from bridge.queue.reader import Message, QueueReader
from bridge.queue.writer import DeadLetterSender
from bridge.workers import measuring
from bridge.workers.leases import Leases
from bridge.workers.probes import ask_mirror
from bridge.workers.reading import Item, unexplained_deliveries, unreadable
from bridge.workers.retry import decide
from bridge.workers.waiting import Rng, system_rng

log = get_logger(__name__)

Apply = Callable[[Session, Sequence[tuple[Event, Envelope]], datetime], Applied]
"""Writes events of one transaction; any order of calls ends the same."""

HORIZON = timedelta(days=180)
ALONE_FROM = 3
MOST_BEGUN = 7
"""Begun alone so often without an end it is poison: one killer's tenth delivery."""
HOPELESS_FROM = 50
"""So many deliveries end in a dead letter although it was never begun: reading it may kill."""
NEWER_SECONDS = 60.0
TRIES = 3
_PAUSE_SECONDS = 0.1


class BatchHandler:
    """Handles what one reader leased; it keeps nothing between calls, so threads may share it.

    Law 1: a message is deleted only after its transaction committed or its copy reached the
    dead-letter queue. `committed` is called after each commit that brought something new.
    """

    def __init__(
        self,
        reader: QueueReader,
        dead_letters: DeadLetterSender,
        store: Store,
        rules: Rules,
        *,
        max_attempts: int,
        horizon: timedelta = HORIZON,
        apply: Apply = apply_events,
        committed: Callable[[], None] = lambda: None,
        clock: Callable[[Session], datetime] = database_now,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], object] = time.sleep,
        rng: Rng = system_rng,
    ) -> None:
        self._queue_name = reader.queue_name
        self._dead_letters = dead_letters
        self._store = store
        self._rules = rules
        self._max_attempts = max_attempts
        self._horizon = horizon
        self._apply_events = apply
        self._committed = committed
        self._clock = clock
        self._now = now
        self._pause = pause
        self._rng = rng

    def handle(self, leases: Leases, stopping: Callable[[], bool] = lambda: False) -> None:
        """Bring every message to an end: deleted, delayed, put back or dead-lettered.

        Raises AwayError or TransientError when mirror or queue is away; whatever was not done is
        released before. `stopping` is asked between transactions.
        """
        try:
            together, suspects = self._items(leases)
            waiting = [together] if together else []
            while waiting and not stopping():
                waiting = self._process(waiting[0], leases, stopping) + waiting[1:]
            for item in suspects:
                if not stopping():
                    self._alone(item, leases, stopping)
        finally:
            leases.release()

    def _items(self, leases: Leases) -> tuple[list[Item], list[Item]]:
        """What can be read: what may go together, and what may have killed a worker."""
        together: list[Item] = []
        alone: list[Item] = []
        for message in leases.messages:
            with log_context(message_id=message.id):
                item = self._read(message, leases)
            if item is not None:
                suspect = unexplained_deliveries(message, item.envelope) >= ALONE_FROM
                (alone if suspect else together).append(item)
        # One of the suspects may kill us: by chance, it is not always the same ones after it.
        alone.sort(key=lambda _: self._rng())
        return together, alone

    def _alone(self, item: Item, leases: Leases, stopping: Callable[[], bool]) -> None:
        """Apply a suspect, which says so in the queue first.

        Deliveries alone prove nothing: those that wait behind a killer are delivered as often.
        """
        unmarked = item.message.text
        leases.note(item.message, item.envelope.with_begun())
        try:
            self._process([item], leases, stopping)
        finally:
            item.message.text = unmarked  # what we live to release did not kill us

    def _read(self, message: Message, leases: Leases) -> Item | None:
        try:
            envelope = Envelope.loads(message.text)
        except NewerEnvelope as error:
            log.info("newer_envelope", code=error.code, seconds=NEWER_SECONDS)
            leases.put_back(message, NEWER_SECONDS)
            return None
        except PermanentError as error:
            copy = unreadable(message, self._queue_name)
            self._give_up(message, copy, reason_of(error), leases)
            return None
        return self._read_event(message, envelope, leases)

    def _read_event(self, message: Message, envelope: Envelope, leases: Leases) -> Item | None:
        with log_context(event_id=envelope.id, type=envelope.type):
            deliveries = unexplained_deliveries(message, envelope)
            if envelope.begun >= MOST_BEGUN or deliveries >= HOPELESS_FROM:
                reason = f"permanent: poison (delivered {deliveries} times)"
                self._give_up(message, envelope, reason, leases)
                return None
            try:
                self._check_age(envelope)
                return Item(message, envelope, read_event(envelope, self._rules))
            except Exception as error:  # noqa: BLE001  (the boundary: decided by class, logged)
                self._give_way(message, envelope, error, leases)
                return None

    def _check_age(self, envelope: Envelope) -> None:
        """Raise UnusableEvent for what the ledger may have known and forgotten.

        A replay passes: a person decided about it.
        """
        age = self._now() - envelope.received_at
        if envelope.revision == 0 and age > self._horizon:
            raise UnusableEvent("too_old", f"received {age.days} days ago")

    def _process(
        self, piece: list[Item], leases: Leases, stopping: Callable[[], bool]
    ) -> list[list[Item]]:
        """Apply a piece; what it has to be split into if it failed and can be split."""
        leases.keep()
        piece = [item for item in piece if leases.holds(item.message)]
        if not piece:
            return []
        error = self._tried(piece, stopping)
        if error is None:
            leases.delete_all([item.message for item in piece])
            return []
        if len(piece) > 1:
            log.info("batch_split", count=len(piece), reason=reason_of(error))
            half = len(piece) // 2
            return [piece[:half], piece[half:]]
        [item] = piece
        with log_context(event_id=item.envelope.id, message_id=item.message.id):
            self._give_way(item.message, item.envelope, error, leases)
        return []

    def _tried(self, piece: Sequence[Item], stopping: Callable[[], bool]) -> Exception | None:
        """None once the piece is in the mirror, else why it is not.

        Two workers that met at a contact, or a deadlock, are over in a moment: worth a retry of
        the whole, which splitting would only make more likely.
        """
        for attempt in range(1, TRIES + 1):
            try:
                self._apply(piece)
            except Exception as error:  # noqa: BLE001  (the boundary: decided by class, logged)
                judged = self._judged(error)
            else:
                return None
            worth_it = isinstance(judged, TransientError) and not isinstance(judged, BusyError)
            if not worth_it or attempt == TRIES or stopping():
                break
            log.info("batch_tried_again", count=len(piece), reason=reason_of(judged))
            measuring.tried_again(self._queue_name, judged)
            self._pause(_PAUSE_SECONDS * attempt * (0.5 + self._rng()))
        return judged

    def _apply(self, piece: Sequence[Item]) -> None:
        with (
            measuring.applying(self._queue_name) as began,
            self._store.transaction() as session,
        ):
            pairs = [(item.event, item.envelope) for item in piece]
            now = self._clock(session)
            applied = self._apply_events(session, pairs, now)
        if applied.new:
            self._committed()
        measuring.applied(self._queue_name, piece, applied, now, began)
        log.info("batch_mirrored", count=len(piece), new=applied.new)
        for item in piece:
            log.info(
                "event_mirrored",
                event_id=item.event.event_id,
                manychat_id=item.event.manychat_id,
                type=item.event.type,
                message_id=item.message.id,
            )

    def _judged(self, error: Exception) -> Exception:
        """The error as it counts: away is what the probe says, not what the failed call says."""
        if isinstance(error, PermanentError):
            return error
        ask_mirror(self._store, error)
        if isinstance(error, AwayError):
            return TransientError(error.code, error.detail)
        return error

    def _give_way(
        self, message: Message, envelope: Envelope, error: Exception, leases: Leases
    ) -> None:
        decision = decide(error, envelope.attempts, self._max_attempts, self._rng)
        if not isinstance(error, BridgeError):
            log.error("unexpected_error", exc_info=error)
        if decision.action == "stop":
            raise error
        if decision.action == "dead_letter":
            self._give_up(message, envelope, reason_of(error), leases)
            return
        log.warning(
            "event_delayed",
            reason=reason_of(error),
            attempts=envelope.attempts + 1,
            delay=round(decision.delay, 1),
        )
        measuring.tried_again(self._queue_name, error)
        leases.delay(message, decision.delay, envelope.with_attempt())

    def _give_up(self, message: Message, envelope: Envelope, reason: str, leases: Leases) -> None:
        self._dead_letters.send(envelope.with_reason(reason, self._queue_name))
        log.warning("event_dead_lettered", event_id=envelope.id, reason=reason)
        measuring.given_up(self._queue_name, reason)
        leases.delete(message)
