"""The API's calls to Odoo take their turns among those of the workers."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge.mirror.database_clock import database_now
from bridge.mirror.pace import ODOO_CALLS, take_turn
from bridge.mirror.store import Store

MOST_SECONDS = 1.0
"""Whoever asks live waits no longer for a turn: it hears 503, or the mirror's memory."""


class OdooTurns:
    """`wait` returns when the next call may be made; at once where there is no limit."""

    def __init__(
        self,
        store: Store,
        per_second: float | None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._store, self._per_second, self._sleep = store, per_second, sleep

    def wait(self) -> None:
        """Raises BusyError, with no turn taken, where the next one is more than a second away;
        AwayError or TransientError when the mirror does not answer."""
        if self._per_second is None:
            return
        with self._store.transaction() as session:
            now = database_now(session)
            seconds = take_turn(session, ODOO_CALLS, self._per_second, now, MOST_SECONDS)
        if seconds > 0:
            self._sleep(seconds)
