"""What happens after an error: a pure decision by the error's class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bridge.errors import AwayError, BusyError, PermanentError

Action = Literal["dead_letter", "delay", "stop"]

FIRST_DELAY = 5.0
GROWTH = 4.0
LONGEST_DELAY = 600.0


@dataclass(frozen=True)
class Decision:
    """What to do with one event; `delay` in seconds, 0 unless the action is `delay`."""

    action: Action
    delay: float = 0.0


def decide(
    error: Exception, attempts: int, max_attempts: int, rng: Callable[[], float]
) -> Decision:
    """Decide about an event that failed alone, after `attempts` earlier delays.

    `rng` gives floats in [0, 1). An exception that nobody foresaw is a bug: it is tried again as
    a transient one, so that it ends as a dead letter and not in a circle.
    """
    if isinstance(error, AwayError):
        return Decision("stop")
    if isinstance(error, PermanentError) or attempts + 1 >= max_attempts:
        return Decision("dead_letter")
    if isinstance(error, BusyError) and error.retry_after is not None:
        return Decision("delay", min(error.retry_after, LONGEST_DELAY) + rng())
    return Decision("delay", backoff(attempts, rng))


def backoff(attempts: int, rng: Callable[[], float]) -> float:
    """Full jitter: between 0 and a bound that grows with the attempts, up to a cap."""
    return rng() * float(min(LONGEST_DELAY, FIRST_DELAY * GROWTH ** min(attempts, 10)))
