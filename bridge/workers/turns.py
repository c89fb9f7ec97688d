"""A worker whose turn is a lease: it works until it is stopped, and then lets another one begin."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag

from bridge.errors import BridgeError
from bridge.log import get_logger
from bridge.mirror import lease
from bridge.mirror.store import Store

log = get_logger(__name__)


def work_in_turn(
    stop: Flag, once: Callable[[Flag], None], store: Store, name: str, holder: str
) -> None:
    """Call `once` until `stop` is set, then give the lease `name` back if `holder` has it."""
    log.info("worker_started", holder=holder)
    while not stop.is_set():
        once(stop)
    try:
        with store.transaction() as session:
            lease.release(session, name, holder)
    except BridgeError as error:
        log.info("release_failed", code=error.code)  # the lease runs out by itself
    log.info("worker_stopped")
