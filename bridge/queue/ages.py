"""How long what a look into a queue found has been there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from azure.storage.queue import QueueMessage


def oldest_seconds(peeked: Iterable[QueueMessage]) -> float:
    """Age in seconds of the oldest of these messages; 0 without any."""
    now = datetime.now(UTC)  # the account's clock may be ahead of ours
    return max((0.0, *((now - m.inserted_on).total_seconds() for m in peeked if m.inserted_on)))
