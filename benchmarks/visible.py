"""How long after its webhook an event is in Odoo, at an even pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.lines import Line, percentile
from benchmarks.road import Road
from benchmarks.traffic import Traffic
from benchmarks.webhooks import as_post, post_evenly
from devstack.stack import Stack

if TYPE_CHECKING:
    from benchmarks.whole_road import Amounts

PER_SECOND = 20.0
TARGET_MS = 1500.0
HOPS = ("webhook → mirror", "mirror → visible in Odoo", "webhook → visible in Odoo")


def measured(stack: Stack, amounts: Amounts) -> list[Line]:
    """Mixed traffic for a while; what is counted is what the mirror noted of each event."""
    stack.odoo.start()
    road = Road(stack, stack.odoo, "latency")
    traffic = Traffic("latency", int(PER_SECOND * amounts.seconds), 0)
    try:
        road.start()
        road.drain([as_post(event) for event in traffic.seed])
        last = road.last()
        posts = [as_post(event) for event in traffic.events]
        post_evenly(road.bridge.api_url, road.bridge.webhook_api_key, posts, PER_SECOND)
        road.wait_for(last, len(posts), 120.0)
        return _lines(road, last, amounts.seconds)
    finally:
        road.stop()


def _lines(road: Road, last: int, seconds: float) -> list[Line]:
    section = f"latency: {PER_SECOND:.0f} events/s for {seconds:.0f} s"
    rows = road.rows(
        "SELECT extract(epoch from l.mirrored_at - l.received_at) * 1000,"
        " extract(epoch from o.synced_at - l.mirrored_at) * 1000,"
        " extract(epoch from o.synced_at - l.received_at) * 1000"
        ' FROM "Outbox" o JOIN "Ledger" l USING (event_id) WHERE o.id > %s',
        last,
    )
    lines = []
    for place, name in enumerate(HOPS):
        spans = [float(row[place]) for row in rows]
        for share in (0.5, 0.95, 0.99):
            whole = place == len(HOPS) - 1 and share == 0.99
            target = TARGET_MS if whole else None
            value = percentile(spans, share)
            lines.append(Line(section, f"{name}: p{100 * share:.0f}", value, "ms", at_most=target))
    return lines
