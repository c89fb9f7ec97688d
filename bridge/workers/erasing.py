"""Erasures into Odoo: what the mirror has erased already, one call a contact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event as Flag
from typing import Any, Protocol

from sqlalchemy.orm import Session

from bridge.errors import BridgeError, reason_of
from bridge.log import get_logger
from bridge.mirror import erasing_odoo
from bridge.mirror.database_clock import database_now
from bridge.mirror.erasing_odoo import Owed
from bridge.mirror.store import Store

log = get_logger(__name__)

BATCH = 20
PAUSE_SECONDS = 1.0


class Leads(Protocol):
    """What erasing needs of Odoo."""

    def erase(self, manychat_id: str, erased_at: datetime) -> Mapping[str, Any]: ...


class Eraser:
    """Does in Odoo what is owed; what fails is owed still, and tried again later.

    Several may run at once: an erasure done twice changes nothing the second time.
    """

    def __init__(
        self, store: Store, leads: Leads, clock: Callable[[Session], datetime] = database_now
    ) -> None:
        self._store = store
        self._leads = leads
        self._clock = clock

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            try:
                done = self.step()
            except BridgeError as away:
                log.info("erasures_wait", code=away.code)
                done = 0
            if not done:
                stop.wait(PAUSE_SECONDS)

    def step(self) -> int:
        """Do what is due; how many were done. Raises what the mirror raises when it is away."""
        with self._store.reading() as session:
            owed = erasing_odoo.due(session, self._clock(session), BATCH)
        return sum(self._erase(one) for one in owed)

    def _erase(self, owed: Owed) -> bool:
        try:
            answer = self._leads.erase(owed.manychat_id, owed.erased_at)
        except Exception as error:  # noqa: BLE001  (the boundary: kept, logged, tried again)
            reason = reason_of(error)
            log.warning("erasure_failed", reason=reason, attempts=owed.attempts + 1)
            with self._store.transaction() as session:
                erasing_odoo.record_failure(session, [owed], reason, self._clock(session))
            return False
        with self._store.transaction() as session:
            erasing_odoo.record_done(session, owed, self._clock(session))
        log.info("contact_erased_in_odoo", count=answer.get("leads"))
        return True
