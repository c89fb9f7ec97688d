"""From the outbox into Odoo: claim, one call for a batch, record what came of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from threading import Event as Flag
from typing import Any, Protocol

from bridge.errors import AwayError, BridgeError, BusyError, TransientError
from bridge.log import get_logger
from bridge.mirror import lease, outbox
from bridge.mirror.outbox import OutboxRow
from bridge.mirror.store import Store
from bridge.odoo.leads import SyncResult
from bridge.workers.probes import ask_mirror
from bridge.workers.retry import reason_of
from bridge.workers.waiting import Probe, Rng, system_rng, wait_until_back

log = get_logger(__name__)

BATCH = 100
IDLE_SECONDS = 0.25
CLAIM_SECONDS = 30.0
TRIES = 3
_PAUSE_SECONDS = 0.5


class Leads(Protocol):
    """What the worker needs of Odoo."""

    def sync(self, events: Sequence[dict[str, Any]]) -> list[SyncResult]: ...


class CrmWorker:
    """Pushes outbox rows into Odoo, at least once each, and keeps what the addon answered.

    `probe` raises unless Odoo answers and lets us in.
    """

    def __init__(
        self,
        store: Store,
        leads: Leads,
        probe: Probe,
        holder: str,
        *,
        max_attempts: int = 5,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: Rng = system_rng,
    ) -> None:
        self._store = store
        self._leads = leads
        self._ask_odoo = probe
        self._holder = holder
        self._max_attempts = max_attempts
        self._now = now
        self._rng = rng

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set; a claim that is not finished is released then."""
        log.info("worker_started")
        while not stop.is_set():
            self._round(stop)
        log.info("worker_stopped")

    def step(self, stop: Flag) -> int:
        """Claim one batch and bring it to an end; how many rows it had.

        Raises AwayError or TransientError when mirror or Odoo is away; the claim is released.
        """
        rows = self._claimed()
        if not rows:
            return 0
        try:
            self._push(sorted(rows, key=lambda row: (row.manychat_id, row.clock)), stop)
        finally:
            self._release()
        return len(rows)

    def _round(self, stop: Flag) -> None:
        try:
            idle = self.step(stop) == 0
        except (AwayError, TransientError) as error:
            away = error  # the name of an except clause is gone inside a later lambda
            wait_until_back(stop, away, lambda: self._ask_both(away), self._rng)
        else:
            if idle:
                stop.wait(IDLE_SECONDS)

    def _ask_both(self, error: Exception) -> None:
        ask_mirror(self._store, error)
        self._ask_odoo()

    def _claimed(self) -> list[OutboxRow]:
        with self._store.transaction() as session:
            rows = outbox.claim(session, self._holder, BATCH, self._now(), CLAIM_SECONDS)
            if not rows:
                outbox.release(session, self._holder)  # idle, we stand in nobody's way
        return rows

    def _push(self, rows: list[OutboxRow], stop: Flag) -> None:
        """Push rows, in halves when the whole keeps failing while both sides answer."""
        waiting = [rows]
        while waiting and not stop.is_set():
            batch = waiting.pop(0)
            error = self._tried(batch, stop)
            if error is None or stop.is_set():
                continue
            if len(batch) > 1:
                log.warning("batch_split", count=len(batch), reason=reason_of(error))
                half = len(batch) // 2
                waiting = [batch[:half], batch[half:], *waiting]
            else:
                self._failed(batch[0], error)

    def _tried(self, batch: list[OutboxRow], stop: Flag) -> Exception | None:
        """None when the batch went through, else why it failed TRIES times.

        Raises AwayError when a probe fails too, and BusyError: neither is the batch's fault.
        """
        failure: Exception | None = None
        for attempt in range(1, TRIES + 1):
            try:
                self._sync(batch)
            except BusyError:
                raise
            except Exception as error:  # noqa: BLE001  (the boundary: counted, logged, decided)
                failure = error
            else:
                return None
            log.warning(
                "sync_failed", reason=reason_of(failure), attempts=attempt, count=len(batch)
            )
            self._ask_both(failure)
            if attempt < TRIES and stop.wait(_PAUSE_SECONDS * attempt * (0.5 + self._rng())):
                break
        return failure

    def _sync(self, batch: list[OutboxRow]) -> None:
        self._renew_claim()
        results = self._leads.sync([json.loads(row.body) for row in batch])
        with self._store.transaction() as session:
            answers = [asdict(result) for result in results]
            outbox.record_results(session, batch, answers, self._now(), self._max_attempts)
        for row, result in zip(batch, results, strict=True):
            log.info(
                "event_synced",
                event_id=row.event_id,
                manychat_id=row.manychat_id,
                lead_id=result.lead_id,
                status=result.status,
            )
        log.info("batch_synced", count=len(batch), **Counter(result.status for result in results))

    def _renew_claim(self) -> None:
        with self._store.transaction() as session:
            if not lease.acquire(session, outbox.LEASE, self._holder, self._now(), CLAIM_SECONDS):
                # harmless, since the addon knows every event it has had, but slow
                log.warning("claim_lost", holder=self._holder)

    def _failed(self, row: OutboxRow, error: Exception) -> None:
        reason = reason_of(error)
        log.warning("event_not_synced", event_id=row.event_id, reason=reason)
        with self._store.transaction() as session:
            outbox.record_failure(session, [row], reason, self._now(), self._max_attempts)

    def _release(self) -> None:
        try:
            with self._store.transaction() as session:
                outbox.release(session, self._holder)
        except BridgeError as error:
            log.info("release_failed", code=error.code)  # the claim runs out by itself
