"""Events of the ledger once more, after a cleaning rule was mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bridge.errors import UnusableEvent
from bridge.events.envelope import Envelope
from bridge.events.event import Event
from bridge.events.reading import Rules, read_event
from bridge.log import get_logger
from bridge.mirror.apply import apply_events
from bridge.mirror.database_clock import database_now
from bridge.mirror.ledger import Entry, entries
from bridge.mirror.store import Store

log = get_logger(__name__)

SLICE = 200


@dataclass
class Reprocessed:
    """How many events were read again, said something else now, or cannot be read any more.

    `bodiless` ones were put together from their facts: there is nothing to read.
    """

    read: int = 0
    changed: int = 0
    unreadable: int = 0
    bodiless: int = 0


def reprocess(
    store: Store, rules: Rules, since: datetime, *, really: bool = True, slice: int = SLICE
) -> Reprocessed:
    """Read the events received since then again, and apply what says something else now.

    What is applied is one revision up, so it reaches Odoo; what says the same does not. Cut off,
    it may be run again: what was applied says the same by then.
    """
    counts = Reprocessed()
    after = 0
    while True:
        with store.transaction() as session:
            page = entries(session, since, after, slice)
            changed = list(_changed(page, rules, counts))
            if changed and really:
                apply_events(session, changed, database_now(session))
        if not page:
            return counts
        after = page[-1].id
        counts.changed += len(changed)
        log.info("reprocessed", count=len(page), new=len(changed))


def _changed(
    page: list[Entry], rules: Rules, counts: Reprocessed
) -> Iterator[tuple[Event, Envelope]]:
    for entry in page:
        if not entry.envelope.payload:
            counts.bodiless += 1
            continue
        counts.read += 1
        try:
            event = read_event(entry.envelope, rules)
        except UnusableEvent as error:
            counts.unreadable += 1
            log.warning("not_read_again", event_id=entry.envelope.id, code=error.code)
            continue
        if entry.is_changed_by(event):
            yield event, entry.envelope
