"""From Odoo's change feed into the mirror: one reader, a page a transaction with its cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event as Flag
from typing import Protocol

from sqlalchemy.orm import Session

from bridge.errors import AwayError, BridgeError, TransientError, reason_of
from bridge.log import get_logger
from bridge.mirror import feedback, feeds, lease, pauses
from bridge.mirror.database_clock import database_now
from bridge.mirror.store import Store
from bridge.odoo.feed import FeedPage
from bridge.workers.probes import ask_mirror
from bridge.workers.waiting import Rng, system_rng, wait_until_back

log = get_logger(__name__)

HOP = LEASE = "feedback"
PAGE = 200
IDLE_SECONDS = 1.0
LEASE_SECONDS = 30.0
TRIES = 3
_AGAIN_SECONDS = 0.2


class FeedReader(Protocol):
    """What the worker needs of Odoo."""

    def read(self, cursor: str | None, limit: int) -> FeedPage: ...


class _PageRefused(TransientError):
    """The mirror answers, and did not take this page."""


class FeedbackWorker:
    """Reads every second and brings what people changed into the mirror, once.

    The lease keeps others from reading for nothing; the cursor, moved in the transaction of the
    changes and only from where they were read, keeps them from applying anything twice.
    """

    def __init__(
        self,
        store: Store,
        feed: FeedReader,
        holder: str,
        *,
        region: str = "PE",
        clock: Callable[[Session], datetime] = database_now,
        rng: Rng = system_rng,
    ) -> None:
        self._store = store
        self._feed = feed
        self._holder = holder
        self._region = region
        self._clock = clock
        self._rng = rng
        self._failures = 0
        self._limit = PAGE

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set, then let another process have the lease."""
        log.info("worker_started", holder=self._holder)
        while not stop.is_set():
            self._round(stop)
        try:
            with self._store.transaction() as session:
                lease.release(session, LEASE, self._holder)
        except BridgeError as error:
            log.info("release_failed", code=error.code)  # the lease runs out by itself
        log.info("worker_stopped")

    def step(self) -> bool:
        """Read and apply one page; whether there is more to be read at once.

        Raises AwayError or TransientError when mirror or Odoo is away; nothing was applied then.
        """
        ours, cursor = self._begin()
        if not ours:
            return False
        page = self._feed.read(cursor, self._limit)
        if page.gap:
            log.error("feed_gap", reason="changes were deleted unread: compare both sides")
        if not page.changes:
            return self._skip(cursor, page)
        applied = self._take(cursor, page)
        return page.more or not applied

    def _round(self, stop: Flag) -> None:
        try:
            more = self.step()
        except _PageRefused as error:
            self._failed(error, stop)
        except BridgeError as error:
            wait_until_back(stop, error, self._ask_both, self._rng)
        else:
            stop.wait(_AGAIN_SECONDS * self._rng() if more else IDLE_SECONDS)

    def _begin(self) -> tuple[bool, str | None]:
        with self._store.transaction() as session:
            if pauses.is_paused(session, HOP):
                return False, None
            now = self._clock(session)
            ours = lease.acquire(session, LEASE, self._holder, now, LEASE_SECONDS)
            return ours, feeds.position(session, feedback.FEED)

    def _take(self, cursor: str | None, page: FeedPage) -> bool:
        """Apply a page; False if it has to be read again: somebody wrote in between."""
        with self._store.reading() as session:
            answers = feedback.answers_of(session, page.changes)
        # read again, after the answers were counted: how the leads stand must be newer than they
        page = self._feed.read(cursor, len(page.changes))
        try:
            if not self._apply(cursor, page, answers):
                log.info("feed_crossed", count=len(page.changes))
                return False
        except AwayError:
            raise
        except BridgeError as error:
            raise _PageRefused(error.code, error.detail) from error
        log.info("feed_applied", count=len(page.changes))
        self._failures, self._limit = 0, PAGE
        return True

    def _apply(self, cursor: str | None, page: FeedPage, answers: Mapping[int, int]) -> bool:
        with self._store.transaction() as session:
            done = feedback.apply_changes(session, page.changes, answers, self._region)
            if done:
                self._move(session, cursor, page)
        return done

    def _skip(self, cursor: str | None, page: FeedPage) -> bool:
        if page.cursor != cursor:
            with self._store.transaction() as session:
                self._move(session, cursor, page)
        return False

    def _move(self, session: Session, cursor: str | None, page: FeedPage) -> None:
        if not feeds.advance(session, feedback.FEED, cursor, page.cursor, self._clock(session)):
            raise TransientError("feed_moved", "another reader was faster")

    def _failed(self, error: BridgeError, stop: Flag) -> None:
        """Count a page that was refused while both sides answer: alone, then given up."""
        self._failures += 1
        log.warning("feed_failed", reason=reason_of(error), attempts=self._failures)
        try:
            self._ask_both()
            if self._failures >= TRIES:
                self._single_out()
        except BridgeError as away:
            wait_until_back(stop, away, self._ask_both, self._rng)
        else:
            stop.wait(_AGAIN_SECONDS * 2**self._failures * (0.5 + self._rng()))

    def _single_out(self) -> None:
        """After a page that keeps failing go one by one; leave behind the change that fails alone.

        It must not hold up all others; the reconciliation finds what it would have changed.
        """
        self._failures = 0
        if self._limit > 1:
            self._limit = 1
            return
        _, cursor = self._begin()
        page = self._feed.read(cursor, 1)
        for change in page.changes:
            log.error("change_given_up", manychat_id=change.manychat_id, kind=change.kind)
        self._skip(cursor, page)

    def _ask_both(self) -> None:
        ask_mirror(self._store)
        with self._store.reading() as session:
            cursor = feeds.position(session, feedback.FEED)
        self._feed.read(cursor, 1)
