"""The one clock text that bridge and addon compare bytewise."""

from datetime import UTC, datetime


def now():
    """Return the time as aware UTC with microseconds (the one place that asks for it)."""
    return datetime.now(UTC)


def iso(moment):
    """Return aware or naive-UTC ``moment`` in fixed width: ``2025-10-20T22:41:00.000000Z``."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds") + "Z"


def parse_iso(text):
    """Return aware UTC for an ISO 8601 text; a text without zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def naive(moment):
    """Return ``moment`` as Odoo stores it: naive UTC, whole seconds."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def clock_text(occurred_at, received_at, event_id, revision):
    """Return ``occurred|received|event_id|revision``, which orders events by plain comparison."""
    return f"{iso(occurred_at)}|{iso(received_at)}|{event_id}|{revision:06d}"


def clock_event_id(clock):
    """Return the event id inside a clock text (an id may itself hold a bar)."""
    return "|".join(clock.split("|")[2:-1])


def clock_occurred(clock):
    """Return the event time inside a clock text as aware UTC."""
    return parse_iso(clock.split("|", 1)[0])
