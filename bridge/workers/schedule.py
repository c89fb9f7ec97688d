"""What has to be done now and then, by one process at a time: inbox, dead letters, retention.

Retries need no job: an outbox row that failed carries the time from which it is due again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event as Flag

from sqlalchemy.orm import Session

from bridge.errors import PermanentError, reason_of
from bridge.events.envelope import Envelope, NewerEnvelope
from bridge.log import get_logger
from bridge.mirror import dead_letters, inbox, lease, pauses, reconciliations, retention
from bridge.mirror.database_clock import database_now
from bridge.mirror.inbox import Kept
from bridge.mirror.store import Store
from bridge.mirror.watching import look, sizes
from bridge.queue.reader import Message, QueueReader
from bridge.queue.writer import QueueWriter
from bridge.workers import measuring
from bridge.workers.handle import HORIZON
from bridge.workers.reading import unreadable

log = get_logger(__name__)

LEASE = "schedule"
LEASE_MARGIN = 10.0
INBOX_BATCH = 100
DRAIN_BATCH = 32
FORGET_BATCH = 500
MARGIN = timedelta(days=1)
DRAIN_SECONDS = 1.0
WATCH_SECONDS = 10.0
FORGET_SECONDS = 60.0
COUNT_SECONDS = 3600.0
PUT_BACK_SECONDS = 300.0


class Seldom:
    """Tells whether `seconds` have passed since it last said so: not each round has every job."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._last: float | None = None

    def __call__(self) -> bool:
        now = self._monotonic()
        due = self._last is None or now - self._last >= self._seconds
        if due:
            self._last = now
        return due


class Schedule:
    """Does its jobs every `interval` seconds in whichever process holds the lease.

    That two do them at once is harmless: sends are recognised by the ledger, dead letters by
    event and hop.
    """

    def __init__(
        self,
        store: Store,
        writers: Mapping[str, QueueWriter],
        dead_letter_reader: QueueReader,
        *,
        holder: str,
        interval: float,
        keep_for: timedelta = HORIZON,
        watched: Sequence[QueueReader] = (),
        clock: Callable[[Session], datetime] = database_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._writers = writers
        self._reader = dead_letter_reader
        self._holder = holder
        self._interval = interval
        self._keep_for = keep_for
        self._watched = (*watched, dead_letter_reader)
        self._clock = clock
        self._drain_again = Seldom(DRAIN_SECONDS, monotonic)
        self._forget_again = Seldom(FORGET_SECONDS, monotonic)
        self._watch_again = Seldom(WATCH_SECONDS, monotonic)
        self._count_again = Seldom(COUNT_SECONDS, monotonic)

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set, then let another process have the lease."""
        while not stop.is_set():
            self.round(stop)
            stop.wait(self._interval)
        self._job("lease", self._give_up_lease)

    def round(self, stop: Flag) -> None:
        """One round of every job, if the lease is ours; a job that fails delays no other."""
        if self._job("lease", self._is_ours):
            self._job("inbox", lambda: self.feed_inbox(stop))
            if self._drain_again():
                self._job("dead_letters", lambda: self.drain_dead_letters(stop))
            if self._forget_again():
                self._job("retention", lambda: self.forget(stop))
            if self._count_again():
                self._job("sizes", self.count)
        if self._watch_again():
            self._job("watch", self.watch)

    def feed_inbox(self, stop: Flag) -> None:
        """Move waiting envelopes into their queues, the oldest first, while the lease is ours."""
        while not stop.is_set():
            with self._store.reading() as session:
                waiting = inbox.oldest(session, INBOX_BATCH)
            for kept in waiting:
                self._feed(kept)
            if not waiting or not self._is_ours():
                return
            log.info("inbox_fed", count=len(waiting))

    def drain_dead_letters(self, stop: Flag) -> None:
        """Move dead letters into the mirror, where people can work with them."""
        while not stop.is_set():
            messages = self._reader.receive(DRAIN_BATCH)
            if not messages:
                return
            letters = [(message, letter) for message in messages if (letter := self._read(message))]
            self._keep(letters)
            log.info("dead_letters_drained", count=len(letters))
            if not self._is_ours():
                return

    def forget(self, stop: Flag) -> None:
        """Delete what is older than it is kept for, slice by slice.

        A day later than workers refuse it, so that their clocks need not agree.
        """
        for forget in (retention.forget_events, retention.forget_letters):
            gone = FORGET_BATCH
            while gone == FORGET_BATCH and not stop.is_set():
                with self._store.transaction() as session:
                    before = self._clock(session) - self._keep_for - MARGIN
                    gone = forget(session, before, FORGET_BATCH)
                if gone:
                    log.info("rows_forgotten", action=forget.__name__, count=gone)

    def watch(self) -> None:
        """Show what waits; every process does, so that each one's numbers are of now."""
        with self._store.reading() as session:
            measuring.waiting(look(session, self._clock(session)))
            measuring.reconciled(reconciliations.last(session))
        measuring.depths({reader.queue_name: reader.depth() for reader in self._watched})
        measuring.ages({reader.queue_name: reader.waiting_seconds() for reader in self._watched})

    def count(self) -> None:
        """Show how large the tables are that grow; only who has the lease does."""
        with self._store.reading() as session:
            measuring.sizes(sizes(session))

    def _job(self, name: str, job: Callable[[], object]) -> object:
        """What the job returns; None when it failed."""
        try:
            return job()
        except Exception:
            # a fault here must not stop the road: the workers of this process go on
            log.exception("job_failed", part=name)
            return None

    def _feed(self, kept: Kept) -> None:
        """Send first, forget after: a crash between the two sends a known event again."""
        given_up: Envelope | None = None
        try:
            self._writers[kept.queue].send(kept.envelope)
        except PermanentError as error:
            given_up = kept.envelope.with_reason(reason_of(error), "inbox")
        with self._store.transaction() as session:
            if given_up:
                dead_letters.record(session, [given_up], self._clock(session))
            inbox.forget(session, [kept.id])

    def _read(self, message: Message) -> Envelope | None:
        try:
            return Envelope.loads(message.text)
        except NewerEnvelope:
            self._reader.put_back(message, PUT_BACK_SECONDS)
            return None
        except PermanentError as error:
            letter = unreadable(message, self._reader.queue_name)
            return letter.with_reason(reason_of(error), self._reader.queue_name)

    def _keep(self, letters: list[tuple[Message, Envelope]]) -> None:
        """Record in one transaction, delete after it; a letter that cannot be kept goes back."""
        try:
            with self._store.transaction() as session:
                dead_letters.record(
                    session, [letter for _, letter in letters], self._clock(session)
                )
        except PermanentError as error:
            if len(letters) > 1:
                for pair in letters:
                    self._keep([pair])
                return
            for message, letter in letters:
                log.error("dead_letter_not_kept", event_id=letter.id, code=error.code)
                self._reader.put_back(message, PUT_BACK_SECONDS)
            return
        for message, _ in letters:
            self._reader.delete(message)

    def _is_ours(self) -> bool:
        seconds = self._interval + LEASE_MARGIN
        with self._store.transaction() as session:
            if pauses.is_paused(session, LEASE):
                return False
            return lease.acquire(session, LEASE, self._holder, self._clock(session), seconds)

    def _give_up_lease(self) -> None:
        with self._store.transaction() as session:
            lease.release(session, LEASE, self._holder)
