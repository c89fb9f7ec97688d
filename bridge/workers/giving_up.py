"""Changes of Odoo's feed that cannot be applied: dead letters, so that they hold up no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from bridge.events.clock import parse_iso
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror.dead_letters import FROM_ODOO
from bridge.mirror.items import dumps
from bridge.odoo.feed import FeedPage, Unreadable

_NAMESPACE = UUID("f0a6cc5e-8d53-5a86-9e0e-1d6e3b8c6a51")


def unreadable_letters(page: FeedPage, now: datetime) -> Iterator[Envelope]:
    """The dead letters of what this release does not understand of a page."""
    for one in page.unreadable:
        yield _letter(_body(one), f"permanent: odoo_bad_answer ({one.reason})", now)


def given_up_letters(page: FeedPage, reason: str) -> Iterator[Envelope]:
    """The dead letters of a page that keeps failing."""
    for change in page.changes:
        told = {"manychat_id": change.manychat_id, "lead_id": change.lead_id, "kind": change.kind,
                "clock": change.clock, "values": dict(change.values)}  # fmt: skip
        yield _letter(told, reason, parse_iso(change.clock.partition("|")[0]))


def _body(one: Unreadable) -> dict[str, Any]:
    return one.raw if isinstance(one.raw, dict) else {"change": one.raw}


def _letter(body: dict[str, Any], reason: str, received_at: datetime) -> Envelope:
    """`update` is what comes next to a change; it is never sent as one."""
    return Envelope(
        id=str(uuid5(_NAMESPACE, dumps(body))),
        type=EventType.UPDATE,
        received_at=received_at,
        occurred_at=None,
        payload=body,
        reason=reason,
        origin=FROM_ODOO,
    )
