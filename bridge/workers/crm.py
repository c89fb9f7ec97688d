"""From the outbox into Odoo: claim, push, release; asleep while nothing is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Event as Flag

from sqlalchemy.orm import Session

from bridge.errors import AwayError, BridgeError, TransientError
from bridge.log import get_logger
from bridge.mirror import claims, pauses
from bridge.mirror.claims import OutboxRow
from bridge.mirror.database_clock import database_now
from bridge.mirror.store import Store
from bridge.workers.bell import Bell
from bridge.workers.leases import Keeper
from bridge.workers.pushing import Pusher
from bridge.workers.tempo import Tempo
from bridge.workers.threads import begin
from bridge.workers.waiting import Rng, system_rng, wait_until_back

log = get_logger(__name__)

HOP = "crm"
IDLE_SECONDS = 0.2
CLAIM_SECONDS = 30.0
_RACES = frozenset({"mirror_conflict", "mirror_busy"})


class CrmWorker:
    """One lane: one call to Odoo at a time, for contacts that no other lane has.

    `holder` names it among all lanes of all machines; `lane` (0, 1, …) rests while the tempo
    wants fewer. Idle, it looks every fifth of a second, without a lock or a write; `bell` wakes
    it at once where the mirror is filled by this very process.
    """

    def __init__(
        self,
        store: Store,
        pusher: Pusher,
        tempo: Tempo,
        holder: str,
        *,
        lane: int = 0,
        bell: Bell | None = None,
        clock: Callable[[Session], datetime] = database_now,
        rng: Rng = system_rng,
    ) -> None:
        self._store = store
        self._pusher = pusher
        self._tempo = tempo
        self._holder = holder
        self._lane = lane
        self._bell = bell or Bell()
        self._clock = clock
        self._rng = rng
        self._keeper = Keeper(CLAIM_SECONDS / 3)
        self._busy = False

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set; a claim that is not finished is released then."""
        log.info("worker_started", holder=self._holder)
        ended = Flag()
        keeper = begin(self._keeper.run, ended)
        try:
            while not stop.is_set():
                self._round(stop)
        finally:
            ended.set()
            keeper.join()
        log.info("worker_stopped")

    def step(self, stop: Flag) -> int:
        """Claim one batch and bring it to an end; how many rows it had.

        Raises AwayError or TransientError when mirror or Odoo is away; the claim is released.
        """
        rows = self._claimed()
        self._busy = bool(rows)
        if not rows:
            return 0
        self._keeper.watch(self)
        try:
            self._pusher.push(rows, stop)
        finally:
            self._keeper.forget(self)
            self._release()
        return len(rows)

    def keep(self) -> None:
        """Make the claim last; called while Odoo is at work."""
        with self._store.transaction() as session:
            kept = claims.renew(session, self._holder, self._clock(session), CLAIM_SECONDS)
        if not kept:
            # harmless, since the addon knows every event it has had, but slow
            log.warning("claim_lost", holder=self._holder)

    def _round(self, stop: Flag) -> None:
        if self._lane >= self._tempo.lanes:
            self._bell.wait(IDLE_SECONDS)
            return
        try:
            idle = self.step(stop) == 0
        except (AwayError, TransientError) as error:
            away = error  # the name of an except clause is gone inside a later lambda
            wait_until_back(stop, away, lambda: self._pusher.ask_both(away), self._rng)
        else:
            if idle:
                self._bell.wait(IDLE_SECONDS)

    def _claimed(self) -> list[OutboxRow]:
        if not self._busy and not self._is_due():
            return []
        try:
            with self._store.transaction() as session:
                if pauses.is_paused(session, HOP):
                    return []
                limit, now = self._tempo.size, self._clock(session)
                return claims.claim(session, self._holder, limit, now, CLAIM_SECONDS)
        except TransientError as error:
            if error.code not in _RACES:
                raise
            log.info("claim_raced", code=error.code)
            return []

    def _is_due(self) -> bool:
        with self._store.reading() as session:
            return claims.is_due(session, self._clock(session))

    def _release(self) -> None:
        try:
            with self._store.transaction() as session:
                claims.release(session, self._holder)
        except BridgeError as error:
            log.info("release_failed", code=error.code)  # the claim runs out by itself
