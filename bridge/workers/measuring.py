"""What the hops of the road tell the metrics."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock

from bridge import metrics, tracing
from bridge.errors import BridgeError
from bridge.mirror.apply import Applied
from bridge.mirror.claims import OutboxRow
from bridge.mirror.hops import Hop
from bridge.mirror.reconciliations import Result
from bridge.mirror.watching import Waiting
from bridge.odoo.leads import SyncResult
from bridge.queue.names import QUEUES
from bridge.queue.reader import Message
from bridge.workers.reading import Item

ODOO = "odoo"
_PARTS = ("queue", "odoo", "manychat")
_away: Counter[str] = Counter()
_away_lock = Lock()


def received(hop: str, messages: Sequence[Message], now: datetime) -> None:
    """Messages were taken from their queue."""
    for message in messages:
        lag = (now - message.inserted_at).total_seconds()
        metrics.RECEIVE_LAG.labels(hop).observe(max(0.0, lag))


@contextmanager
def applying(hop: str) -> Iterator[int]:
    """One transaction, whether it succeeds or not; with it the moment, as spans count it."""
    started = time.perf_counter()
    try:
        yield tracing.now()
    finally:
        metrics.CALL_SECONDS.labels(hop).observe(time.perf_counter() - started)


def applied(hop: str, items: Sequence[Item], done: Applied, now: datetime, began: int) -> None:
    """A transaction that began then brought these items into the mirror."""
    metrics.BATCH_SIZE.labels(hop).observe(len(items))
    metrics.EVENTS.labels(hop, "mirrored").inc(done.new)
    metrics.EVENTS.labels(hop, "known").inc(done.known)
    metrics.LAST_EVENT.labels(hop).set(now.timestamp())
    for item in items:
        envelope = item.envelope
        tracing.passed("mirror", envelope.id, began, "mirrored", envelope.traceparent)
    if done.new:
        for item in items:
            seconds = (now - item.event.received_at).total_seconds()
            metrics.TO_MIRROR_SECONDS.observe(max(0.0, seconds))


def pushed(
    rows: Sequence[OutboxRow], results: Sequence[SyncResult], seconds: float, now: datetime
) -> None:
    """Odoo answered a call, and the mirror has its answers."""
    metrics.BATCH_SIZE.labels(ODOO).observe(len(rows))
    metrics.CALL_SECONDS.labels(ODOO).observe(seconds)
    metrics.LAST_EVENT.labels(ODOO).set(now.timestamp())
    began = tracing.now() - int(seconds * 1e9)
    for row, result in zip(rows, results, strict=True):
        tracing.passed(ODOO, row.event_id, began, result.status)
        metrics.EVENTS.labels(ODOO, result.status).inc()
        metrics.UNMAPPED.inc(int(result.unmapped))
        metrics.TO_ODOO_SECONDS.observe(max(0.0, (now - row.received_at).total_seconds()))


def tried_again(hop: str, error: Exception) -> None:
    """Something failed that will be tried again."""
    code = error.code if isinstance(error, BridgeError) else "unexpected"
    metrics.RETRIES.labels(hop, code).inc()


def given_up(hop: str, reason: str) -> None:
    """An event became a dead letter."""
    metrics.EVENTS.labels(hop, "dead_lettered").inc()
    metrics.GIVEN_UP.labels(hop, metrics.code_in(reason)).inc()


@contextmanager
def away(code: str) -> Iterator[None]:
    """A part counts as away inside the block; `code` is the error's that said so."""
    prefix = code.partition("_")[0]
    part = prefix if prefix in _PARTS else "mirror"
    _count_away(part, 1)
    try:
        yield
    finally:
        _count_away(part, -1)


def _count_away(part: str, change: int) -> None:
    with _away_lock:  # lanes wait for the same part, and come back one by one
        _away[part] += change
        metrics.BREAKER_OPEN.labels(part).set(int(_away[part] > 0))


def waiting(found: Waiting) -> None:
    """What the mirror holds that has not gone on."""
    metrics.OUTBOX_WAITING.set(found.outbox)
    metrics.OUTBOX_AGE.set(found.oldest_seconds)
    metrics.PARKED.set(found.parked)
    metrics.INBOX_WAITING.set(found.inbox)
    metrics.WRITE_BACK_WAITING.set(found.untold)
    metrics.WRITE_BACK_PARKED.set(found.untellable)
    metrics.LETTERS_WAITING.clear()
    letters: Counter[tuple[str, str]] = Counter()
    for hop, reason in found.letters:
        letters[hop, metrics.code_in(reason)] += 1
    for (hop, code), count in letters.items():
        metrics.LETTERS_WAITING.labels(hop, code).set(count)
    for hop in Hop:
        metrics.PAUSED.labels(str(hop)).set(int(str(hop) in found.paused))


def reconciled(found: Result | None) -> None:
    """What the last comparison of mirror and Odoo found, less what it mended."""
    if found is None or found.finished_at is None:
        return
    metrics.RECONCILED.set(found.finished_at.timestamp())
    for kind, count in found.open.items():
        metrics.DIFFERENCES.labels(kind).set(count)


def depths(found: Mapping[str, int]) -> None:
    """How full the queues are."""
    for queue, depth in found.items():
        metrics.QUEUE_DEPTH.labels(queue).set(depth)


def ages(found: Mapping[str, float]) -> None:
    """How long what a hop reads next has waited, by its queue."""
    for hop, queue in QUEUES.items():
        if queue in found:
            metrics.QUEUE_AGE.labels(hop).set(found[queue])


def sizes(found: Mapping[str, int]) -> None:
    """How many rows the tables have that grow."""
    for table, rows in found.items():
        metrics.ROWS.labels(table).set(rows)
