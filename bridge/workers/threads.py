"""Threads of a worker's own."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from threading import Event as Flag
from threading import Thread


def begin(target: Callable[[Flag], None], flag: Flag) -> Thread:
    """A started thread that keeps no process alive: what it leased runs out by itself."""
    run = copy_context().run  # with what the log was told of worker and queue
    thread = Thread(target=run, args=(target, flag), name=target.__qualname__, daemon=True)
    thread.start()
    return thread
