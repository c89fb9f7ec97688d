"""Whether the parts of a worker process still go round: each one's stop flag tells.

A loop asks its flag whenever it comes round, so the flag knows when that was last.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Event as Flag

HUNG_SECONDS = 300.0
"""Above what a round may take when Odoo needs all its time three times over."""


class Pulse(Flag):
    """The stop flag as one part sees it: asking is a beat, and a wait is rest."""

    def __init__(self, stop: Flag, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._stop = stop
        self._monotonic = monotonic
        self._fresh_until: float | None = None

    def is_set(self) -> bool:
        self._fresh_until = self._monotonic()
        return self._stop.is_set()

    def set(self) -> None:
        self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        self._fresh_until = math.inf if timeout is None else self._monotonic() + timeout
        try:
            return self._stop.wait(timeout)
        finally:
            self._fresh_until = self._monotonic()

    def is_set_quietly(self) -> bool:
        """Asked by who only waits for another thread: no sign that this one goes on."""
        return self._stop.is_set()

    @property
    def has_begun(self) -> bool:
        """Whether the part has come round once."""
        return self._fresh_until is not None

    @property
    def silent_seconds(self) -> float:
        """For how long it should have come round, and did not."""
        if self._fresh_until is None:
            return 0.0
        return max(0.0, self._monotonic() - self._fresh_until)


class Pulses:
    """Those of every part of a process."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._pulses: dict[str, Pulse] = {}

    def flag_for(self, name: str, stop: Flag) -> Pulse:
        """The flag to give to the part of that name."""
        return self._pulses.setdefault(name, Pulse(stop, self._monotonic))

    def hung(self) -> list[str]:
        """The parts that have not come round for too long."""
        pulses = dict(self._pulses)
        return [name for name, pulse in pulses.items() if pulse.silent_seconds > HUNG_SECONDS]

    def all_begun(self) -> bool:
        """Whether every part has come round once."""
        return bool(self._pulses) and all(one.has_begun for one in dict(self._pulses).values())
