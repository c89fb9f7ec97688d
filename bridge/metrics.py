"""The counters that the API keeps; labels hold kinds and codes only."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

WEBHOOKS = Counter("bridge_webhooks", "Webhook posts by kind and outcome.", ["kind", "outcome"])
SCRUBS = Counter(
    "bridge_scrubbed_fields", "Fields mended or left out, by field and code.", ["field", "code"]
)
RATE_LIMITED = Counter(
    "bridge_rate_limited", "Requests refused because their key asked too often.", ["scope"]
)
ACCEPT_SECONDS = Histogram(
    "bridge_webhook_seconds",
    "Time from a read body to its answer.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0),
)


def render() -> tuple[bytes, str]:
    """Every metric of this process in Prometheus' text format, and its content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
