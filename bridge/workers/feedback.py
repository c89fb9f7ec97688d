"""From Odoo's change feed into the mirror: one reader, a page a transaction with its cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event as Flag
from typing import Protocol

from sqlalchemy.orm import Session

from bridge.errors import AwayError, BridgeError, TransientError, reason_of
from bridge.log import get_logger
from bridge.mirror import (
    dead_letters,
    feedback,
    feeds,
    hints,
    lease,
    pauses,
    telling,
    write_back_setup,
)
from bridge.mirror.database_clock import database_now
from bridge.mirror.store import Store
from bridge.mirror.write_back_setup import Setup, read_setup
from bridge.odoo.feed import FeedPage
from bridge.workers.bell import Bell
from bridge.workers.giving_up import given_up_letters, unreadable_letters
from bridge.workers.probes import ask_mirror
from bridge.workers.turns import work_in_turn
from bridge.workers.waiting import Rng, system_rng, wait_until_back

log = get_logger(__name__)

HOP = LEASE = "feedback"
PAGE = 200
IDLE_SECONDS = 1.0
LOOKS = 5
"""So often, while idle, it looks whether the addon gave a hint."""
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

    A hint of the addon makes it read at once; `told` is rung when ManyChat is to be told of it.
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
        told: Bell | None = None,
        clock: Callable[[Session], datetime] = database_now,
        rng: Rng = system_rng,
    ) -> None:
        self._store = store
        self._feed = feed
        self._holder = holder
        self._region = region
        self._told = told or Bell()
        self._clock = clock
        self._rng = rng
        self._failures = 0
        self._limit = PAGE
        self._heard: str | None = None
        self._setup: Setup | None = None

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set, then let another process have the lease."""
        work_in_turn(stop, self._round, self._store, LEASE, self._holder)

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
        if not page.changes and not page.unreadable:
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
            if more:
                stop.wait(_AGAIN_SECONDS * self._rng())
            else:
                self._wait_for_news(stop)

    def _wait_for_news(self, stop: Flag) -> None:
        """Return at a hint, or after IDLE_SECONDS: no hint is needed."""
        for _ in range(LOOKS):
            if stop.wait(IDLE_SECONDS / LOOKS) or self._rang():
                return

    def _rang(self) -> bool:
        try:
            with self._store.reading() as session:
                return hints.last(session) != self._heard
        except BridgeError:
            return False  # the next round meets it

    def _begin(self) -> tuple[bool, str | None]:
        with self._store.transaction() as session:
            if pauses.is_paused(session, HOP):
                return False, None
            now = self._clock(session)
            self._heard = hints.last(session)
            ours = lease.acquire(session, LEASE, self._holder, now, LEASE_SECONDS)
            return ours, feeds.position(session, feedback.FEED)

    def _take(self, cursor: str | None, page: FeedPage) -> bool:
        """Apply a page; False if it has to be read again: somebody wrote in between."""
        with self._store.reading() as session:
            answers = feedback.answers_of(session, page.changes)
        # read again, after the answers were counted: how the leads stand must be newer than they
        page = self._feed.read(cursor, len(page.changes) + len(page.unreadable))
        try:
            if not self._apply(cursor, page, answers):
                log.info("feed_crossed", count=len(page.changes))
                return False
        except AwayError:
            raise
        except BridgeError as error:
            raise _PageRefused(error.code, error.detail) from error
        log.info("feed_applied", count=len(page.changes), failed=len(page.unreadable))
        self._failures, self._limit = 0, PAGE
        self._told.ring()
        return True

    def _apply(self, cursor: str | None, page: FeedPage, answers: Mapping[int, int]) -> bool:
        with self._store.transaction() as session:
            done = feedback.apply_changes(session, page.changes, answers, self._region)
            if done:
                now = self._clock(session)
                self._keep_setup(session, page)
                telling.note_changes(session, page.changes, now)
                dead_letters.record(session, list(unreadable_letters(page, now)), now)
                self._move(session, cursor, page)
        return done

    def _keep_setup(self, session: Session, page: FeedPage) -> None:
        """Let writing back be set up as Odoo says; a page of an older addon says nothing."""
        if page.write_back is not None:
            write_back_setup.keep(session, read_setup(page.write_back))

    def _skip(self, cursor: str | None, page: FeedPage) -> bool:
        setup = read_setup(page.write_back)
        if page.cursor != cursor or setup != self._setup:
            with self._store.transaction() as session:
                self._keep_setup(session, page)
                if page.cursor != cursor:
                    self._move(session, cursor, page)
            self._setup = setup
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
                self._single_out(error)
        except BridgeError as away:
            wait_until_back(stop, away, self._ask_both, self._rng)
        else:
            stop.wait(_AGAIN_SECONDS * 2**self._failures * (0.5 + self._rng()))

    def _single_out(self, error: BridgeError) -> None:
        """After a page that keeps failing go one by one; a change that fails alone is given up.

        As a dead letter it holds up no other; the reconciliation mends what it would have changed.
        """
        self._failures = 0
        if self._limit > 1:
            self._limit = 1
            return
        _, cursor = self._begin()
        page = self._feed.read(cursor, 1)
        with self._store.transaction() as session:
            now = self._clock(session)
            letters = [*given_up_letters(page, reason_of(error)),
                       *unreadable_letters(page, now)]  # fmt: skip
            dead_letters.record(session, letters, now)
            if page.cursor != cursor:
                self._move(session, cursor, page)
        for change in page.changes:
            log.error("change_given_up", manychat_id=change.manychat_id, kind=change.kind)
        self._limit = PAGE

    def _ask_both(self) -> None:
        ask_mirror(self._store)
        with self._store.reading() as session:
            cursor = feeds.position(session, feedback.FEED)
        self._feed.read(cursor, 1)
