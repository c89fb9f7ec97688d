"""Runs the parts of a worker process as threads, and stops them together."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event as Flag
from types import FrameType

from bridge.log import get_logger, log_context

log = get_logger(__name__)

Part = Callable[[Flag], None]
"""Works until the flag is set. Returning earlier counts as dying."""

GRACE_SECONDS = 20.0
_SIGNAL_SECONDS = 0.25
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_parts(
    parts: Mapping[str, Part],
    stop: Flag | None = None,
    grace: float = GRACE_SECONDS,
    signals: Sequence[signal.Signals] = STOP_SIGNALS,
    leave: Callable[[int], object] = os._exit,
    *,
    flag_for: Callable[[str, Flag], Flag] = lambda _name, stop: stop,
) -> int:
    """Run every part until a signal or until one of them dies; the process's exit code.

    0 after a signal, 1 when a part died: then a supervisor should start the process again. A
    part that does not end within `grace` seconds is left behind (its leases run out), and
    `leave` ends the process: an orderly exit would wait for the threads of its pools.
    `flag_for` gives a part's own view of the stop flag.
    """
    stop = stop or Flag()
    dead: list[str] = []
    _stop_on(signals, stop)
    threads = [
        threading.Thread(
            target=_guarded, args=(name, part, flag_for(name, stop), dead), name=name, daemon=True
        )
        for name, part in parts.items()
    ]
    for thread in threads:
        thread.start()
    while not stop.wait(_SIGNAL_SECONDS):
        pass  # a signal that another thread received is handled when this one next wakes up
    code = 1 if dead else 0
    if not _joined(threads, grace):
        leave(code)
    return code


def _guarded(name: str, part: Part, stop: Flag, dead: list[str]) -> None:
    with log_context(worker=name):
        try:
            part(stop)
        except Exception:
            log.exception("worker_died")
            dead.append(name)
        else:
            if not stop.is_set():
                log.error("worker_ended_early")
                dead.append(name)
        finally:
            stop.set()


def _stop_on(signals: Sequence[signal.Signals], stop: Flag) -> None:
    def on_signal(number: int, _frame: FrameType | None) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # a second Ctrl-C does not wait

    for number in signals:
        signal.signal(number, on_signal)


def _joined(threads: Sequence[threading.Thread], grace: float) -> bool:
    deadline = time.monotonic() + grace
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            log.warning("worker_left_behind", worker=thread.name, seconds=grace)
    return not any(thread.is_alive() for thread in threads)
