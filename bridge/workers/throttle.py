"""Keeps all workers together below the calls a second that Odoo, or ManyChat, may get."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from bridge.mirror.database_clock import database_now
from bridge.mirror.pace import ODOO_CALLS, take_turn
from bridge.mirror.store import Store


class Throttle:
    """`wait` returns when the next call may be made; at once where there is no limit.

    The turns stand in the mirror, so they count for every process on every machine.
    """

    def __init__(
        self,
        store: Store,
        per_second: float | None,
        clock: Callable[[Session], datetime] = database_now,
        sleep: Callable[[float], object] = time.sleep,
        *,
        name: str = ODOO_CALLS,
    ) -> None:
        self._store = store
        self._per_second = per_second
        self._clock = clock
        self._sleep = sleep
        self._name = name

    def wait(self) -> None:
        """Raises AwayError or TransientError when the mirror does not answer."""
        if self._per_second is None:
            return
        with self._store.transaction() as session:
            seconds = take_turn(session, self._name, self._per_second, self._clock(session))
        if seconds > 0:
            self._sleep(seconds)
