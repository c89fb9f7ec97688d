"""Where every contact has a partner in Odoo: those from before, and the campaigns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from threading import Event as Flag
from typing import Any, Protocol

from sqlalchemy.orm import Session

from bridge.errors import BridgeError
from bridge.log import get_logger
from bridge.mirror import filling, pauses
from bridge.mirror.database_clock import database_now
from bridge.mirror.store import Store
from bridge.workers.crm import HOP

log = get_logger(__name__)

AGAIN_SECONDS = 3600.0
_BUSY_SECONDS = 0.5


class Contacts(Protocol):
    """What filling needs of Odoo."""

    def keep_campaigns(self, campaigns: Sequence[Mapping[str, Any]]) -> None: ...


class Filler:
    """Fills the past slice by slice, every `interval` seconds once nothing is left of it.

    Several may run at once: a slice is passed by one of them. Cut off, it goes on where it was.
    """

    def __init__(
        self,
        store: Store,
        contacts: Contacts,
        *,
        interval: float,
        clock: Callable[[Session], datetime] = database_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._contacts = contacts
        self._interval = interval
        self._clock = clock
        self._monotonic = monotonic
        self._began = monotonic()

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            try:
                done = self.step()
            except BridgeError as error:
                log.info("filling_waits", code=error.code)
                done = 0
            stop.wait(_BUSY_SECONDS if done else self._interval)

    def step(self) -> int:
        """One slice of each; how many contacts and campaigns were passed.

        Raises AwayError or TransientError when mirror or Odoo is away; what was done stays done.
        """
        with self._store.reading() as session:
            if pauses.is_paused(session, HOP):
                return 0
            campaigns = filling.new_campaigns(session)
        if campaigns:
            self._contacts.keep_campaigns(campaigns)
            with self._store.transaction() as session:
                filling.pass_campaigns(session, campaigns[-1]["id"], self._clock(session))
        return len(campaigns) + self._fill()

    def _fill(self) -> int:
        with self._store.transaction() as session:
            passed = filling.fill_some(session, self._clock(session))
            if not passed and self._monotonic() - self._began >= AGAIN_SECONDS:
                self._began = self._monotonic()
                filling.begin_again(session, self._clock(session))
        if passed:
            log.info("partners_wanted", count=passed)
        return passed
