"""The inbox table of the mirror, as the API sees it."""

from __future__ import annotations

from datetime import datetime

from bridge.events.envelope import Envelope
from bridge.mirror import inbox
from bridge.mirror.engine import make_engine
from bridge.mirror.store import Store
from bridge.settings import Settings


class MirrorInbox:
    """Keeps envelopes for a queue that is away; a worker feeds them to it later."""

    def __init__(self, settings: Settings) -> None:
        self._engine = make_engine(settings)
        self._store = Store(self._engine)

    def keep(self, queue_name: str, envelope: Envelope, now: datetime) -> None:
        """Commit the envelope into the inbox. Raises a BridgeError when the mirror is away."""
        with self._store.transaction() as session:
            inbox.keep(session, queue_name, envelope, now)

    def ping(self) -> None:
        """Raises a BridgeError when the mirror is away."""
        self._store.ping()

    def close(self) -> None:
        self._engine.dispose()
