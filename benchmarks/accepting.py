"""How fast webhooks are taken, beside a bare `send_message` loop on the same Azurite."""

from __future__ import annotations

from contextlib import suppress
from statistics import median
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from benchmarks.lines import Line, percentile
from benchmarks.road import SENDERS, Road
from benchmarks.traffic import Traffic
from benchmarks.webhooks import Load, as_post, post_all, send_bare
from bridge.events.clock import parse_iso
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.queue.names import API_VERSION, CAMPAIGN_QUEUE, CONTACT_QUEUE
from devstack import progress
from devstack.stack import Stack

if TYPE_CHECKING:
    from benchmarks.whole_road import Amounts

SECTION = "accept: webhooks into the queue"
BARE = "bare send_message loop"
API = "webhooks"
TARGET = 0.7


def measured(stack: Stack, amounts: Amounts) -> list[Line]:
    """A loop of its own and an API of one process and of two, in turn."""
    stack.odoo.start()
    road = Road(stack, stack.odoo, "accept")
    road.bridge.migrate()
    loads: dict[str, list[Load]] = {}
    try:
        for number in range(amounts.rounds):
            progress.say(f"accept, round {number + 1} of {amounts.rounds}")
            loads.setdefault(BARE, []).append(_bare(stack, number, amounts.posts))
            for processes in (1, 2):
                road.start_api(processes)
                load = _webhooks(road, f"accept{number}-{processes}", amounts.posts)
                loads.setdefault(f"{API}, API of {processes}", []).append(load)
            _empty(stack)
    finally:
        road.stop()
    return _lines(loads)


def _bare(stack: Stack, number: int, count: int) -> Load:
    traffic = Traffic(f"bare{number}", count, 0)
    texts = [
        Envelope(
            id=event["event_id"],
            type=EventType.CONTACT,
            received_at=parse_iso(event["received_at"]),
            occurred_at=parse_iso(event["occurred_at"]),
            payload=as_post(event)[1],
        ).dumps()
        for event in traffic.events
    ]
    _queue(stack, CONTACT_QUEUE)
    return send_bare(stack.azurite.connection_string, CONTACT_QUEUE, texts, SENDERS)


def _webhooks(road: Road, name: str, count: int) -> Load:
    posts = [as_post(event) for event in Traffic(name, count + 50, 0).events]
    url, key = road.bridge.api_url, road.bridge.webhook_api_key
    post_all(url, key, posts[:50], SENDERS)  # the first ones open connections
    return post_all(url, key, posts[50:], SENDERS)


def _lines(loads: dict[str, list[Load]]) -> list[Line]:
    rates = {name: tuple(load.rate for load in runs) for name, runs in loads.items()}
    lines = []
    for name, runs in loads.items():
        lines.append(Line(SECTION, name, median(rates[name]), "events/s", runs=rates[name]))
        for share in (0.5, 0.99):
            each = tuple(1000 * percentile(load.each, share) for load in runs)
            what = f"{name}: p{100 * share:.0f} with {SENDERS} at once"
            lines.append(Line(SECTION, what, median(each), "ms", runs=each))
    for name in list(loads)[1:]:
        shares = tuple(a / b for a, b in zip(rates[name], rates[BARE], strict=True))
        target = TARGET if name.endswith("1") else None
        what = f"{name}: share of the bare loop"
        lines.append(Line(SECTION, what, median(shares), "×", at_least=target, runs=shares))
    return lines


def _empty(stack: Stack) -> None:
    for name in (CONTACT_QUEUE, CAMPAIGN_QUEUE):
        _queue(stack, name).clear_messages()


def _queue(stack: Stack, name: str) -> QueueClient:
    client = QueueClient.from_connection_string(
        stack.azurite.connection_string, name, api_version=API_VERSION
    )
    with suppress(ResourceExistsError):
        client.create_queue()
    return client
