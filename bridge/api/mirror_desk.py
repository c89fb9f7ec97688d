"""The mirror as the API asks it: every method is one transaction, blocking."""

from __future__ import annotations

from bridge.mirror import reports
from bridge.mirror.engine import make_engine
from bridge.mirror.reports import ContactSummary
from bridge.mirror.store import Store
from bridge.settings import Settings


class MirrorDesk:
    """Answers about the mirror; every method raises a BridgeError when it is away."""

    def __init__(self, settings: Settings) -> None:
        self._store = Store(make_engine(settings))

    def lookup(self, manychat_id: str) -> ContactSummary | None:
        """Where the contact stands; None if the mirror does not know it."""
        with self._store.transaction() as session:
            return reports.lookup(session, manychat_id)

    def outcome_of_state(self, state: str) -> str:
        """How Odoo took this state the last time: `mapped`, `unmapped` or `never sent`."""
        with self._store.transaction() as session:
            return reports.outcome_of_state(session, state)

    def close(self) -> None:
        """Give the connections back."""
        self._store.close()
