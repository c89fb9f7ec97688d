"""Whether a person stopped a hop, asked now and then and not before every batch."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge.errors import BridgeError
from bridge.log import get_logger
from bridge.mirror import pauses
from bridge.mirror.store import Store

log = get_logger(__name__)

LOOK_SECONDS = 1.0


class PauseWatch:
    """Tells whether `hop` is paused, as of a second ago at most."""

    def __init__(
        self, store: Store, hop: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._hop = hop
        self._monotonic = monotonic
        self._paused = False
        self._asked_at: float | None = None

    def __call__(self) -> bool:
        """The last answer stands while the mirror is away: then nothing can be done anyway."""
        now = self._monotonic()
        if self._asked_at is not None and now - self._asked_at < LOOK_SECONDS:
            return self._paused
        self._asked_at = now
        try:
            with self._store.reading() as session:
                paused = pauses.is_paused(session, self._hop)
        except BridgeError:
            return self._paused
        if paused != self._paused:
            log.warning("hop_changed", hop=self._hop, status="paused" if paused else "resumed")
        self._paused = paused
        return paused
