"""The mirror as the API asks it: every method is one transaction, blocking.

Who only asks reads: on SQLite a transaction that may write waits for every other writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.errors import PermanentError
from bridge.events.envelope import Envelope
from bridge.events.event import Event
from bridge.events.reading import Rules
from bridge.mirror import (
    dead_letters,
    edits,
    erasures,
    hints,
    pauses,
    reconciliations,
    records,
    reports,
    stuck,
    watching,
)  # fmt: skip
from bridge.mirror.database_clock import database_now
from bridge.mirror.dead_letters import Wanted
from bridge.mirror.pushing import push_again
from bridge.mirror.records import Asked, Row
from bridge.mirror.reports import ContactSummary, Step
from bridge.mirror.schema import is_current
from bridge.mirror.statistics import Statistics, statistics
from bridge.mirror.store import Store
from bridge.mirror.stuck import Stuck
from bridge.mirror.tracing import Traced, trace_contact
from bridge.mirror.watching import Waiting
from bridge.settings import Settings


class MirrorDesk:
    """Answers about the mirror, and edits it.

    Every method raises AwayError or TransientError when the mirror is away, and PermanentError
    (`not_found`, `conflict`, `bad_reference`, `bad_value`) for what the caller did wrong.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def from_settings(cls, settings: Settings) -> MirrorDesk:
        """A desk with connections of its own; connects to nothing yet."""
        return cls(Store.from_settings(settings))

    def lookup(self, manychat_id: str) -> ContactSummary | None:
        """Where the contact stands; None if the mirror does not know it."""
        with self._store.reading() as session:
            return reports.lookup(session, manychat_id)

    def outcome_of_state(self, state: str) -> str:
        """How Odoo took this state the last time: `mapped`, `unmapped` or `never sent`."""
        with self._store.reading() as session:
            return reports.outcome_of_state(session, state)

    def listing(
        self, name: str, page: int, size: int, sort: str, filters: Mapping[str, Sequence[Any]]
    ) -> tuple[list[Row], int]:
        """One page of a kind's rows, and the total."""
        with self._store.reading() as session:
            return records.listing(session, name, Asked(page, size, sort, filters))

    def read(self, name: str, id: int) -> Row:
        with self._store.reading() as session:
            return records.read(session, name, id)

    def create(self, name: str, values: Row, rules: Rules, now: datetime) -> Row:
        with self._store.transaction() as session:
            if name == "contacts":
                return edits.create_contact(session, values, rules, now)
            if name == "campaign-contacts":
                return edits.create_campaign_contact(session, values, rules, now)
            return records.create(session, name, values, now)

    def change(self, name: str, id: int, values: Row, rules: Rules, now: datetime) -> Row:
        with self._store.transaction() as session:
            if name == "contacts":
                return edits.change_contact(session, id, values, rules, now)
            if name == "campaign-contacts":
                return edits.change_campaign_contact(session, id, values, rules, now)
            return records.change(session, name, id, values, now)

    def remove(self, name: str, id: int) -> None:
        with self._store.transaction() as session:
            if name == "contacts":
                edits.remove_contact(session, id)
            elif name == "campaign-contacts":
                edits.remove_campaign_contact(session, id)
            else:
                records.remove(session, name, id)

    def erase(self, id: int, now: datetime) -> None:
        """Erase the person of this contact here, and leave the erasure to be done in Odoo."""
        with self._store.transaction() as session:
            erasures.erase(session, records.read(session, "contacts", id)["manychat_id"], now)

    def update(self, event: Event, envelope: Envelope, now: datetime) -> tuple[bool, Row | None]:
        """Apply an update event; whether its contact is known, and its row in force then."""
        with self._store.transaction() as session:
            if not edits.apply_update(session, event, envelope, now):
                return False, None
            contact_id = edits.contact_id_of(session, event.manychat_id)
            return True, edits.in_force(session, contact_id or 0)

    def history(self, contact_id: int) -> list[Step]:
        """The contact's states, the oldest first."""
        with self._store.reading() as session:
            records.read(session, "contacts", contact_id)
            return reports.history(session, contact_id)

    def hear_hint(self) -> None:
        """Let the feedback worker know that Odoo has news."""
        with self._store.transaction() as session:
            hints.ring(session, database_now(session))

    def dead_letter(self, id: int) -> Row:
        """The letter with its raw body."""
        with self._store.reading() as session:
            letter = records.read(session, "dead-letters", id)
            return letter | {"payload": dead_letters.payload_of(session, id)}

    def replay_of(self, id: int) -> Envelope:
        """The envelope that replays the letter."""
        with self._store.reading() as session:
            return dead_letters.replay_of(session, id)

    def replays(
        self, wanted: Mapping[str, Any]
    ) -> tuple[list[tuple[int, Envelope | PermanentError]], int]:
        """What replays the letters of these `Wanted` fields, and how many are behind them."""
        with self._store.reading() as session:
            return dead_letters.replays(session, Wanted(**wanted))

    def mark_replayed(self, ids: Sequence[int], now: datetime) -> None:
        with self._store.transaction() as session:
            dead_letters.mark_replayed(session, ids, now)

    def push_again(self, manychat_id: str | None) -> int:
        """Make what Odoo has not taken due now; how many events that are."""
        with self._store.transaction() as session:
            return push_again(session, manychat_id)

    def is_current(self) -> bool:
        """Whether the tables are those of this release."""
        return is_current(self._store.engine)

    def counts(self) -> dict[str, int]:
        """Contacts by sync status, and what waits or was given up."""
        with self._store.reading() as session:
            return reports.counts(session)

    def reconciliation(self) -> dict[str, Any] | None:
        """What the last comparison with Odoo found; None before any."""
        with self._store.transaction() as session:
            found = reconciliations.last(session)
        return found.as_dict() if found else None

    def statistics(self, now: datetime) -> Statistics:
        with self._store.reading() as session:
            return statistics(session, now)

    def waiting(self) -> Waiting:
        """What waits, and which hops a person stopped."""
        with self._store.reading() as session:
            return watching.look(session, database_now(session))

    def last_errors(self, limit: int) -> list[Stuck]:
        """The newest events that Odoo has not taken, with their reasons."""
        with self._store.reading() as session:
            return stuck.last_errors(session, limit)

    def parked(self, limit: int, offset: int) -> tuple[list[Stuck], int]:
        """Events that wait for a person, and how many there are."""
        with self._store.reading() as session:
            return stuck.parked(session, limit, offset)

    def trace(self, manychat_id: str) -> tuple[ContactSummary | None, list[Traced]]:
        """Where a contact stands, and what became of its events."""
        with self._store.reading() as session:
            return reports.lookup(session, manychat_id), trace_contact(session, manychat_id)

    def set_paused(self, hop: str, paused: bool) -> None:
        """Stop a hop everywhere, or let it go on."""
        with self._store.transaction() as session:
            if paused:
                pauses.pause(session, hop, database_now(session))
            else:
                pauses.resume(session, hop)

    def close(self) -> None:
        """Give the connections back."""
        self._store.close()
