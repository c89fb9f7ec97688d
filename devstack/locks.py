"""File locks, so that two runs neither fetch one part twice nor share one folder of data."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from devstack import progress


def try_lock(path: Path) -> IO[str] | None:
    """Take the lock and return its open file (closing it, or dying, frees it); None if taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock for the block; wait for another run that holds it, and say so."""
    handle = try_lock(path)
    if handle is None:
        progress.say(f"waiting for another run that holds {path.name}")
        handle = path.open("a+")
        fcntl.flock(handle, fcntl.LOCK_EX)
    with handle:
        yield
