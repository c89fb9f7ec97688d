"""From a queue message to an event, or to the dead letter that it becomes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.queue.names import CONTACT_QUEUE
from bridge.queue.reader import Message

_TYPES = frozenset(EventType)


@dataclass(frozen=True)
class Item:
    """One message that could be read."""

    message: Message
    envelope: Envelope
    event: Event


def unreadable(message: Message, queue_name: str) -> Envelope:
    """An envelope around the raw text of a message that holds none, cut to fit.

    Its id is the text's own if that can still be found, else the message's, so that a
    redelivery makes the same dead letter again and not a second one.
    """
    fields = _fields(message.text)
    given_id, given_type = fields.get("id"), str(fields.get("type"))
    fallback = EventType.CONTACT if queue_name == CONTACT_QUEUE else EventType.ASSIGNMENT
    return Envelope(
        id=given_id if isinstance(given_id, str) and 0 < len(given_id) <= 64 else message.id,
        type=EventType(given_type) if given_type in _TYPES else fallback,
        received_at=message.inserted_at,
        occurred_at=None,
        payload=message.text,
    ).cut()


def unexplained_deliveries(message: Message, envelope: Envelope) -> int:
    """How often the message was taken and neither finished nor delayed by us.

    A delay counts an attempt; any other release of a message that was taken often puts a fresh
    copy back. What remains are workers that died with it.
    """
    return message.dequeue_count - envelope.attempts


def _fields(text: str) -> dict[str, object]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
