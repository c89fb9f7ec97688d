"""A breaker for the queue: while it hangs, no webhook waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge.errors import AwayError, BridgeError, BusyError
from bridge.log import get_logger
from bridge.metrics import BREAKER_OPEN

log = get_logger(__name__)

THRESHOLD = 3
OPEN_SECONDS = 5.0
_LONGEST_OPEN = 60.0


class Breaker:
    """Opens after three failures in a row; then one call at a time tries again, every 5 s.

    For one event loop: it takes no lock. `is_open` is what a report shows.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failures = 0
        self._next_try = 0.0
        self._open_seconds = OPEN_SECONDS

    @property
    def is_open(self) -> bool:
        return self._failures >= THRESHOLD

    def admit(self) -> None:
        """Raise AwayError (`queue_breaker_open`) instead of making a call that will fail."""
        if not self.is_open:
            return
        now = self._monotonic()
        if now < self._next_try:
            raise AwayError("queue_breaker_open")
        self._next_try = now + self._open_seconds  # this call tries, the others do not wait for it

    def succeeded(self) -> None:
        """A call was answered."""
        if self.is_open:
            log.warning("breaker_closed", part="queue")
        self._failures = 0
        self._open_seconds = OPEN_SECONDS
        BREAKER_OPEN.labels("queue").set(0)

    def failed(self, error: BaseException) -> None:
        """A call failed, or was given up by whoever waited for it."""
        self._failures += 1
        if isinstance(error, BusyError) and error.retry_after is not None:
            self._open_seconds = min(max(error.retry_after, OPEN_SECONDS), _LONGEST_OPEN)
        if self.is_open:
            self._next_try = self._monotonic() + self._open_seconds
        if self._failures == THRESHOLD:
            code = error.code if isinstance(error, BridgeError) else type(error).__name__
            log.warning("breaker_opened", part="queue", code=code)
            BREAKER_OPEN.labels("queue").set(1)
