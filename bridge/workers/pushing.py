"""One claimed batch into Odoo: tried, split when it fails, and its answers kept."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from threading import Event as Flag
from typing import Any, Protocol

from sqlalchemy.orm import Session

from bridge.errors import BusyError, reason_of
from bridge.log import get_logger
from bridge.mirror import outbox, telling
from bridge.mirror.claims import OutboxRow
from bridge.mirror.database_clock import database_now
from bridge.mirror.store import Store
from bridge.odoo.leads import SyncResult
from bridge.workers import measuring
from bridge.workers.probes import ask_mirror
from bridge.workers.tempo import Tempo
from bridge.workers.waiting import Probe, Rng, system_rng

log = get_logger(__name__)

TRIES = 3
_PAUSE_SECONDS = 0.5


class Leads(Protocol):
    """What pushing needs of Odoo."""

    def sync(self, events: Sequence[dict[str, Any]]) -> list[SyncResult]: ...


class Pusher:
    """Pushes rows, at least once each; `probe` raises unless Odoo answers and lets us in.

    It keeps nothing between calls but the tempo, so lanes may share it.
    """

    def __init__(
        self,
        store: Store,
        leads: Leads,
        probe: Probe,
        tempo: Tempo,
        *,
        max_attempts: int = 5,
        clock: Callable[[Session], datetime] = database_now,
        monotonic: Callable[[], float] = time.monotonic,
        rng: Rng = system_rng,
    ) -> None:
        self._store = store
        self._leads = leads
        self._ask_odoo = probe
        self._tempo = tempo
        self._max_attempts = max_attempts
        self._clock = clock
        self._monotonic = monotonic
        self._rng = rng

    def push(self, rows: Sequence[OutboxRow], stop: Flag) -> None:
        """Bring the rows to an end, in halves when the whole keeps failing while Odoo answers.

        Raises AwayError or TransientError when mirror or Odoo is away, BusyError when it asks
        for a pause; what was not done is as it was.
        """
        waiting = [sorted(rows, key=lambda row: (row.manychat_id, row.clock))]
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

    def ask_both(self, error: Exception) -> None:
        """Raise AwayError unless mirror and Odoo answer, after `error`."""
        ask_mirror(self._store, error)
        self._ask_odoo()

    def _tried(self, batch: list[OutboxRow], stop: Flag) -> Exception | None:
        """None when the batch went through, else why it failed TRIES times.

        Raises AwayError when a probe fails too, and BusyError: neither is the batch's fault.
        """
        failure: Exception | None = None
        for attempt in range(1, TRIES + 1):
            try:
                self._sync(batch)
            except BusyError:
                self._tempo.failed()
                raise
            except Exception as error:  # noqa: BLE001  (the boundary: counted, logged, decided)
                failure = error
            else:
                return None
            log.warning(
                "sync_failed", reason=reason_of(failure), attempts=attempt, count=len(batch)
            )
            measuring.tried_again(measuring.ODOO, failure)
            self._tempo.failed()
            self.ask_both(failure)
            if attempt < TRIES and stop.wait(_PAUSE_SECONDS * attempt * (0.5 + self._rng())):
                break
        return failure

    def _sync(self, batch: list[OutboxRow]) -> None:
        started = self._monotonic()
        results = self._leads.sync([json.loads(row.body) for row in batch])
        seconds = self._monotonic() - started
        self._tempo.answered(len(batch), seconds)
        with self._store.transaction() as session:
            answers = [asdict(result) for result in results]
            now, spread = self._clock(session), self._rng()
            outbox.record_results(
                session, batch, answers, now, max_attempts=self._max_attempts, spread=spread
            )
            telling.note_answers(session, {row.contact_id for row in batch}, now)
        measuring.pushed(batch, results, seconds, now)
        for row, result in zip(batch, results, strict=True):
            log.info(
                "event_synced",
                event_id=row.event_id,
                manychat_id=row.manychat_id,
                lead_id=result.lead_id,
                status=result.status,
            )
        statuses = Counter(result.status for result in results)
        log.info("batch_synced", count=len(batch), seconds=round(seconds, 3), **statuses)

    def _failed(self, row: OutboxRow, error: Exception) -> None:
        reason = reason_of(error)
        log.warning("event_not_synced", event_id=row.event_id, reason=reason)
        with self._store.transaction() as session:
            now, spread = self._clock(session), self._rng()
            outbox.record_failure(
                session, [row], reason, now, max_attempts=self._max_attempts, spread=spread
            )
