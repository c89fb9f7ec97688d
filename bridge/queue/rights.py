"""Whether everything that the road does to a queue may be done."""

from __future__ import annotations

from bridge.queue.connect import worker_client
from bridge.queue.errors import QueueMissing, translating
from bridge.queue.names import CONTACT_QUEUE
from bridge.queue.writer import create
from bridge.settings import Settings

_HIDDEN, _LIVES = 59, 60


def exercise(settings: Settings, queue_name: str) -> None:
    """Send, peek at and delete a message that no worker gets to see.

    Raises what the queue answers; a message that could not be deleted ends by itself within a
    minute.
    """
    client = worker_client(settings, queue_name)
    options = {"visibility_timeout": _HIDDEN, "time_to_live": _LIVES}
    try:
        with translating():
            sent = client.send_message("doctor", **options)
    except QueueMissing:
        create(client)
        with translating():
            sent = client.send_message("doctor", **options)
    with translating():
        client.peek_messages(max_messages=1)
        client.delete_message(sent)


def account_url(settings: Settings) -> str:
    """Where the account is. Raises SettingsError where none is configured."""
    return str(worker_client(settings, CONTACT_QUEUE).url).partition("?")[0]
