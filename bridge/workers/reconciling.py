"""The comparison that goes on by itself: a page now and then, by one process, telling what it
found. It mends nothing: that is a person's command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event as Flag
from typing import Any, Protocol

from sqlalchemy.orm import Session

from bridge.errors import BridgeError, reason_of
from bridge.log import get_logger
from bridge.mirror import lease, reconciliations
from bridge.mirror.database_clock import database_now
from bridge.mirror.reconciliations import Result
from bridge.mirror.store import Store
from bridge.reconcile.running import Tally, added, report_of
from bridge.reconcile.walking import END, MIRROR, Leads, Position, Walk

log = get_logger(__name__)

LEASE = "reconcile"
LEASE_MARGIN = 120.0
"""Seconds that a page may take before another process begins it, too."""


class Side(Leads, Protocol):
    """What it needs of Odoo."""

    def tell(self, report: Mapping[str, Any]) -> None: ...


class Reconciler:
    """Compares all there is every `every`, a page each `interval` seconds.

    Where it is stands in the mirror, so another process goes on where this one ended.
    """

    def __init__(
        self,
        store: Store,
        leads: Side,
        holder: str,
        *,
        every: timedelta,
        interval: float,
        every_contact: bool = False,
        clock: Callable[[Session], datetime] = database_now,
    ) -> None:
        self._store = store
        self._leads = leads
        self._walk = Walk(store, leads, every_contact=every_contact)
        self._holder = holder
        self._every = every
        self._interval = interval
        self._clock = clock

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set, then let another process have the lease."""
        while not stop.wait(self._interval):
            try:
                self.step()
            except Exception as error:  # noqa: BLE001  (the boundary: it must not stop the road)
                log.warning("reconcile_waits", reason=reason_of(error))
        try:
            with self._store.transaction() as session:
                lease.release(session, LEASE, self._holder)
        except BridgeError as error:
            log.info("release_failed", code=error.code)  # the lease runs out by itself

    def step(self) -> None:
        """Do one page, or tell what was found, or nothing.

        Raises what mirror and Odoo raise when they are away; nothing is lost then.
        """
        result, untold = self._begin()
        if untold is not None:
            self._leads.tell(report_of(untold))
            with self._store.transaction() as session:
                reconciliations.mark_told(session, untold.id)
        if result is not None:
            self._page(result)

    def _begin(self) -> tuple[Result | None, Result | None]:
        with self._store.transaction() as session:
            now = self._clock(session)
            seconds = self._interval + LEASE_MARGIN
            if not lease.acquire(session, LEASE, self._holder, now, seconds):
                return None, None
            result = reconciliations.under_way(session)
            if result is None and reconciliations.is_due(session, self._every, now):
                result = reconciliations.note_begun(session, MIRROR, now)
            return result, reconciliations.untold(session)

    def _page(self, result: Result) -> None:
        found, position = self._walk.page(Position(result.side, result.after))
        tally = Tally(Counter(result.counts))
        tally.add(found.differences, found.differences)
        result = added(result, found, position, tally)
        with self._store.transaction() as session:
            if position.side == END:
                result = replace(result, finished_at=self._clock(session))
            reconciliations.save(session, result)
        if result.finished_at:
            log.info("reconciled", total=result.checked, count=result.differences)
