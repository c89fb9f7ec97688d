"""Whether somebody takes what waits for a hop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bridge.doctor.check import Finding, Remark
from bridge.mirror.database_clock import database_now
from bridge.mirror.hops import UNREAD_SECONDS, Hop
from bridge.mirror.store import Store
from bridge.mirror.watching import Waiting, look
from bridge.queue.names import QUEUES
from bridge.queue.reader import QueueReader
from bridge.settings import Settings


def queue_hop(settings: Settings, hop: Hop) -> str:
    """Its queue's next message is young. Raises Finding (`hop_not_read`), Remark (`hop_paused`)."""
    _tell_paused([hop], _waiting(settings).paused)
    return _young("message", QueueReader(settings, QUEUES[hop]).waiting_seconds())


def crm_hop(settings: Settings) -> str:
    """No event has been due for Odoo for long. Raises as `queue_hop`."""
    waiting = _waiting(settings)
    _tell_paused([Hop.CRM], waiting.paused)
    return _young("event for Odoo", waiting.overdue_seconds)


def other_hops(settings: Settings) -> str:
    """Nobody stopped the hops without a line of their own. Raises Remark (`hop_paused`)."""
    others = [hop for hop in Hop if hop not in {*QUEUES, Hop.CRM}]
    _tell_paused(others, _waiting(settings).paused)
    return f"none is paused: {', '.join(others)}"


def _waiting(settings: Settings) -> Waiting:
    store = Store.from_settings(settings)
    try:
        with store.reading() as session:
            return look(session, database_now(session))
    finally:
        store.close()


def _tell_paused(hops: list[Hop], paused: Mapping[str, datetime]) -> None:
    told = [f"{hop} since {paused[hop]:%Y-%m-%d %H:%M} UTC" for hop in hops if hop in paused]
    if told:
        raise Remark("hop_paused", ", ".join(told))


def _young(what: str, seconds: float) -> str:
    if seconds > UNREAD_SECONDS:
        raise Finding("hop_not_read", f"the oldest {what} has waited {seconds:.0f} s")
    return f"its oldest {what} waits {seconds:.0f} s" if seconds else "nothing waits"
