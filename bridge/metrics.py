"""What a process counts and measures; labels hold kinds, hops and codes only."""

from __future__ import annotations

import re

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

_CODE = re.compile(r"(?:(?:permanent|transient): )?([a-z][a-z0-9_]{0,60})")

WEBHOOKS = Counter("bridge_webhooks", "Webhook posts by kind and outcome.", ["kind", "outcome"])
SCRUBS = Counter(
    "bridge_scrubbed_fields", "Fields mended or left out, by field and code.", ["field", "code"]
)
RATE_LIMITED = Counter(
    "bridge_rate_limited", "Requests refused because their key asked too often.", ["scope"]
)
KEYS_REFUSED = Counter(
    "bridge_keys_refused", "Requests without a key that opens the route.", ["code", "path"]
)
ACCEPT_SECONDS = Histogram(
    "bridge_webhook_seconds",
    "Time from a read body to its answer.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0),
)

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

# --- every hop of the road; `hop` is a queue's name, or `odoo` ---
EVENTS = Counter("bridge_events", "What became of events, by hop.", ["hop", "outcome"])
BATCH_SIZE = Histogram(
    "bridge_batch_size", "Events handled at once.", ["hop"],
    buckets=(1, 2, 5, 10, 20, 32, 50, 100, 150, 200),
)  # fmt: skip
CALL_SECONDS = Histogram(
    "bridge_call_seconds", "One mirror transaction, or one call to Odoo.", ["hop"], buckets=_SECONDS
)
RETRIES = Counter("bridge_retries", "Tries that failed and are made again.", ["hop", "code"])
GIVEN_UP = Counter("bridge_dead_letters", "Events that were given up.", ["hop", "code"])
LAST_EVENT = Gauge("bridge_last_event_timestamp_seconds", "When the last event got here.", ["hop"])
BREAKER_OPEN = Gauge("bridge_breaker_open", "1 while a part counts as away.", ["part"])
RECEIVE_LAG = Histogram(
    "bridge_receive_lag_seconds", "Time that messages were in their queue.", ["hop"],
    buckets=_SECONDS,
)  # fmt: skip
TO_MIRROR_SECONDS = Histogram(
    "bridge_webhook_to_mirror_seconds", "From arrival to the mirror's commit.", buckets=_SECONDS
)
TO_ODOO_SECONDS = Histogram(
    "bridge_webhook_to_odoo_seconds", "From arrival to Odoo's answer.", buckets=_SECONDS
)
UNMAPPED = Counter("bridge_unmapped_events", "Events whose state had no stage in Odoo.")
TEMPO_EVENTS = Gauge("bridge_tempo_events", "Events that a call to Odoo may take just now.")
TEMPO_LANES = Gauge("bridge_tempo_lanes", "Calls to Odoo that may run at once just now.")

# --- what waits, looked at every SYNC_INTERVAL ---
QUEUE_DEPTH = Gauge("bridge_queue_depth", "Messages in a queue, about.", ["queue"])
QUEUE_AGE = Gauge(
    "bridge_queue_oldest_seconds", "Age of the message that a hop reads next.", ["hop"]
)
OUTBOX_WAITING = Gauge("bridge_outbox_waiting", "Events that Odoo has not taken yet.")
OUTBOX_AGE = Gauge("bridge_outbox_oldest_seconds", "Age of the oldest of them.")
PARKED = Gauge("bridge_outbox_parked", "Events that wait for a person.")
INBOX_WAITING = Gauge("bridge_inbox_waiting", "Events that wait for their queue.")
WRITE_BACK_WAITING = Gauge("bridge_write_back_waiting", "Values that ManyChat does not have yet.")
WRITE_BACK_PARKED = Gauge("bridge_write_back_parked", "Values that ManyChat refused for good.")
LETTERS_WAITING = Gauge(
    "bridge_dead_letters_waiting", "Dead letters that were not replayed.", ["hop", "code"]
)
DIFFERENCES = Gauge(
    "bridge_differences", "Contacts that differ in Odoo, as the last comparison found.", ["kind"]
)
RECONCILED = Gauge("bridge_reconciled_timestamp_seconds", "When that comparison ended.")
ROWS = Gauge("bridge_mirror_rows", "Rows of the tables that grow, counted now and then.", ["table"])
PAUSED = Gauge("bridge_hop_paused", "1 while a person stopped the hop.", ["hop"])


def code_in(reason: str | None) -> str:
    """The code inside a reason such as `permanent: no_manychat_id (…)`."""
    found = _CODE.match(reason or "")
    return found[1] if found else "unknown"


def render() -> tuple[bytes, str]:
    """Every metric of this process in Prometheus' text format, and its content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
