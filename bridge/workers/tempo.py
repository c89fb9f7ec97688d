"""How many events a call to Odoo takes, and how many calls run at once."""

from __future__ import annotations

from threading import Lock

from bridge.log import get_logger
from bridge.metrics import TEMPO_EVENTS, TEMPO_LANES

log = get_logger(__name__)

SMALLEST, FIRST, LARGEST = 10, 100, 200
GOOD_SECONDS = 2.0
"""An answer within it is worth a bigger batch; one of twice as long is not."""


class Tempo:
    """Grows while Odoo answers full batches quickly, shrinks when it is slow or fails.

    More than 200 events a call gain nothing. A second lane opens once batches are as large as
    they get and still full; it closes again when there is less to do. `most` lanes at most.
    """

    def __init__(self, most: int = 1) -> None:
        self.size = FIRST
        self.lanes = 1
        self._most = most
        self._lock = Lock()

    def answered(self, count: int, seconds: float) -> None:
        """Note that a call with `count` events was answered after `seconds`."""
        with self._lock:
            full = count >= self.size
            if seconds > 2 * GOOD_SECONDS:
                self._shrink()
            elif full and seconds < GOOD_SECONDS:
                if self.size == LARGEST:
                    self.lanes = min(self._most, self.lanes + 1)
                self.size = min(LARGEST, self.size * 2)
            elif not full:
                self.lanes = max(1, self.lanes - 1)
            self._show()

    def failed(self) -> None:
        """Note that a call failed or was refused as one too many."""
        with self._lock:
            self._shrink()

    def _shrink(self) -> None:
        self.size = max(SMALLEST, self.size // 2)
        self.lanes = 1
        log.info("tempo_lowered", size=self.size)
        self._show()

    def _show(self) -> None:
        TEMPO_EVENTS.set(self.size)
        TEMPO_LANES.set(self.lanes)
