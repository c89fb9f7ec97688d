"""The queues, which event goes into which, and the storage API version that is spoken."""

from __future__ import annotations

from bridge.events.event import EventType

CONTACT_QUEUE = "manychat-contact-queue"
CAMPAIGN_QUEUE = "manychat-campaign-queue"
DEAD_LETTER_QUEUE = "dead-letter-queue"
QUEUES = {"contact": CONTACT_QUEUE, "campaign": CAMPAIGN_QUEUE}
"""The queue that a hop reads, by the hop's name."""

# The SDK's newest version is refused by Azurite; nothing about queues changed since this one,
# which Azure keeps and every Azurite since 3.29 knows.
API_VERSION = "2023-11-03"

_QUEUES = {
    EventType.CONTACT: CONTACT_QUEUE,
    EventType.ADDRESS: CONTACT_QUEUE,
    EventType.ASSIGNMENT: CAMPAIGN_QUEUE,
    EventType.STAGE: CAMPAIGN_QUEUE,
    EventType.LEAD: CAMPAIGN_QUEUE,
    EventType.UPDATE: CAMPAIGN_QUEUE,
}


def queue_for(type: EventType) -> str:
    """The name of the queue that carries events of this type."""
    return _QUEUES[type]
