"""Free loopback ports: the usual one where it is free, any other where it is not."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from typing import IO

from devstack.locks import try_lock
from devstack.places import cache_dir

LOOPBACK = "127.0.0.1"
# below the range from which the kernel takes ports of outgoing connections
OTHERS = range(20_000, 32_000)
_given: set[int] = set()
_reserved: list[IO[str]] = []


def free_port(preferred: int | None = None) -> int:
    """A port that nothing listens on, and that neither this run nor another one gave away.

    Raises OSError when there is none.
    """
    for candidate in _candidates(preferred):
        if candidate not in _given and _bindable(candidate) and _reserve(candidate):
            _given.add(candidate)
            return candidate
    raise OSError(f"no free port on {LOOPBACK}")


def _candidates(preferred: int | None) -> Iterator[int]:
    if preferred is not None:
        yield preferred
    yield from random.sample(OTHERS, 100)


def _reserve(port: int) -> bool:
    # what will listen there starts later: until then only this lock tells other runs
    if port in OTHERS:
        return True
    handle = try_lock(cache_dir() / "ports" / f"{port}.lock")
    if handle is not None:
        _reserved.append(handle)
    return handle is not None


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        # a listener still refuses this; a port in TIME_WAIT does not
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
