"""The retry decision, as a table."""

from __future__ import annotations

import pytest

from bridge.errors import (
    AwayError,
    BusyError,
    PermanentError,
    TransientError,
    UnusableEvent,
    reason_of,
)
from bridge.workers.retry import LONGEST_DELAY, Decision, backoff, decide

HALF = 0.5


@pytest.mark.parametrize(
    ("error", "attempts", "decision"),
    [
        (PermanentError("x"), 0, Decision("dead_letter")),
        (UnusableEvent("x"), 0, Decision("dead_letter")),
        (AwayError("x"), 0, Decision("stop")),
        (AwayError("x"), 99, Decision("stop")),
        (TransientError("x"), 0, Decision("delay", 2.5)),
        (TransientError("x"), 1, Decision("delay", 10.0)),
        (TransientError("x"), 3, Decision("delay", 160.0)),
        (TransientError("x"), 4, Decision("dead_letter")),
        (BusyError("x", retry_after=20.0), 0, Decision("delay", 20.5)),
        (BusyError("x", retry_after=9999.0), 0, Decision("delay", LONGEST_DELAY + 0.5)),
        (BusyError("x"), 0, Decision("delay", 2.5)),
        (BusyError("x", retry_after=20.0), 4, Decision("dead_letter")),
        (ValueError("bug"), 0, Decision("delay", 2.5)),
        (ValueError("bug"), 4, Decision("dead_letter")),
    ],
)
def test_the_class_and_the_attempts_decide(
    error: Exception, attempts: int, decision: Decision
) -> None:
    assert decide(error, attempts, 5, lambda: HALF) == decision


@pytest.mark.parametrize("attempts", [0, 1, 5, 1000])
def test_the_delay_has_full_jitter_and_a_cap(attempts: int) -> None:
    assert backoff(attempts, lambda: 0.0) == 0.0
    assert 0 < backoff(attempts, lambda: 0.999) <= LONGEST_DELAY


def test_one_attempt_allowed_means_no_second_try() -> None:
    assert decide(TransientError("x"), 0, 1, lambda: HALF).action == "dead_letter"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermanentError("too_long", "field state"), "permanent: too_long (field state)"),
        (TransientError("deadlock"), "transient: deadlock"),
        (ValueError("Begoña"), "transient: unexpected (ValueError)"),
    ],
)
def test_the_reason_names_class_and_code_only(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
