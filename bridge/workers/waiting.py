"""What a worker does while a dependency is away: asks now and then, and burns nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Event as Flag

from bridge.errors import BridgeError, BusyError
from bridge.log import get_logger
from bridge.workers import measuring

log = get_logger(__name__)

Probe = Callable[[], None]
Rng = Callable[[], float]

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 10.0

system_rng: Rng = random.SystemRandom().random


def wait_until_back(stop: Flag, error: BridgeError, probe: Probe, rng: Rng = system_rng) -> None:
    """Return when `probe` raises nothing any more, or when `stop` is set.

    The pause between probes grows, with jitter, so that a fleet does not come back at once.
    """
    log.warning("dependency_away", code=error.code, reason=error.detail)
    with measuring.away(error.code):
        _ask_until_back(stop, error, probe, rng)


def _ask_until_back(stop: Flag, error: BridgeError, probe: Probe, rng: Rng) -> None:
    pause = _first_pause(error)
    while not stop.wait(pause * (0.5 + rng() / 2)):
        try:
            probe()
        except BridgeError as still:
            log.info("dependency_still_away", code=still.code, seconds=round(pause, 1))
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            log.info("dependency_back", code=error.code)
            return


def _first_pause(error: BridgeError) -> float:
    if isinstance(error, BusyError) and error.retry_after is not None:
        return max(FIRST_PAUSE, min(error.retry_after * 2, 120.0))  # jitter takes half at most
    return FIRST_PAUSE
