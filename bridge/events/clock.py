"""Times as text of one width, so that comparing bytes compares times."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """`2025-10-20T22:41:00.000000Z` for an aware datetime of any zone.

    Raises ValueError for a naive one: it would silently be taken as the machine's zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone has no place on the clock")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_iso(text: str) -> datetime:
    """The aware UTC datetime of an ISO text with a zone; raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the zone is missing")
    return moment.astimezone(UTC)


def clock_text(occurred_at: datetime, received_at: datetime, event_id: str, revision: int) -> str:
    """`occurred|received|event_id|revision`; the addon uses exactly this text."""
    return f"{iso(occurred_at)}|{iso(received_at)}|{event_id}|{revision:06d}"
