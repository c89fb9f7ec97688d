"""One ManyChat contact while a batch is applied to it: entries, history, outcomes."""

from typing import NamedTuple

from ..const import GUESSED
from .clock import clock_event_id, clock_occurred, naive
from .history import HistoryRow, fold_history

# What *Keep edited fields* is about: of other keys a newer event is the newest writer.
KEEPABLE = frozenset(
    {"title", "first_name", "last_name", "phone", "email", "salesperson", "medical"}
)
# The event id in a person's clock starts so.
PERSON = "person:"

# The first that fits is an event's status (a rejected one never gets here).
CREATED, UPDATED, STALE, UNCHANGED, REJECTED = (
    "created",
    "updated",
    "stale",
    "unchanged",
    "rejected",
)


class Known(NamedTuple):
    """What the ledger knows of an event: its revision, whether it is final, what it carried."""

    revision: int
    final: bool
    clock: str
    entries: dict


class Outcome(NamedTuple):
    """What one event did to its contact."""

    event: object
    status: str
    unmapped: bool


def is_typed(entry):
    """Return whether a person wrote this entry's value; what somebody emptied may be filled."""
    return bool(entry and entry["value"]) and clock_event_id(entry["clock"]).startswith(PERSON)


class Contact:
    """Entries (key -> {"value", "clock"}), history by event id or person row, ledger by event id.

    ``entries``, ``states`` (event id -> HistoryRow), ``persons`` (list of HistoryRow),
    ``ledger`` (event id -> Known) and ``lead_id`` are loaded by the model; ``ground`` is the
    fold's ground without the initial state; with ``keep_edited`` nothing that a person typed
    is overwritten. ``loaded`` is the picture before the batch,
    ``is_newly_known`` says that this batch found the lead for the contact,
    ``changed_keys`` what the batch wrote anew, ``applied`` the outcome of each event that has
    to be stored.
    """

    def __init__(
        self,
        manychat_id,
        ground,
        *,
        lead_id=None,
        entries=None,
        states=None,
        persons=(),
        ledger=None,
        keep_edited=True,
    ):
        self.manychat_id = manychat_id
        self.ground = ground
        self.lead_id = lead_id
        self.entries = dict(entries or {})
        self.states = dict(states or {})
        self.persons = list(persons)
        self.ledger = dict(ledger or {})
        self.keep_edited = keep_edited
        self.is_newly_known = False
        self.changed_keys = set()
        self.applied = {}
        self._picture = None
        self.loaded = self.picture()

    def picture(self):
        """Return the fold of the history as it stands, made once between changes."""
        if self._picture is None:
            self._picture = fold_history([row for _key, row in self.rows()], self._ground())
        return self._picture

    def end_waiting(self):
        """Let today's rules count for the rows that no rule fitted when they came."""
        self.states = {key: row._replace(waiting=False) for key, row in self.states.items()}
        self.ground = self.ground._replace(initial_waiting=None)
        self._picture = None

    def rows(self):
        """Return ``(event id or None, HistoryRow)`` in clock order."""
        rows = [*self.states.items(), *((None, row) for row in self.persons)]
        return sorted(rows, key=lambda item: item[1].clock)

    def value(self, key):
        """Return the newest written value of ``key``, else the guessed one, else None."""
        entry = self.entries.get(key) or self.entries.get(GUESSED + key)
        return entry["value"] if entry else None

    def clock(self, *keys):
        """Return the newest clock of ``keys``, "" where none was ever written."""
        return max((self.entries[key]["clock"] for key in keys if key in self.entries), default="")

    def is_kept(self, key):
        """Return whether ManyChat has to leave ``key`` as a person typed it."""
        # Who types a name types it whole.
        own = "first_name" if key == "last_name" else key
        return self.keep_edited and key in KEEPABLE and is_typed(self.entries.get(own))

    def apply(self, event):
        """Take ``event`` in and return its ``Outcome``."""
        known = self.ledger.get(event.event_id)
        unmapped = self._is_unmapped(event)
        if known and known.final and event.revision <= known.revision:
            return Outcome(event, UNCHANGED, unmapped)
        before = self._shown()
        outdated = self._take(event, known)
        self._picture = None
        status = self._status(before, outdated)
        outcome = Outcome(event, status, unmapped)
        self.applied[event.event_id] = outcome
        return outcome

    def _take(self, event, known):
        """Write entries and history; return whether anything in the event was outdated."""
        carried = {**(known.entries if known and known.final else {}), **event.entries}
        self.ledger[event.event_id] = Known(event.revision, True, event.clock, carried)
        newer_state = any(row.clock > event.clock for row in self.states.values())
        self._take_state(event)
        if known and known.final:
            self._rewrite(event.event_id)
            return False
        outdated = not self._merge(event.clock, event.entries)
        return outdated or bool(event.state and newer_state)

    def _take_state(self, event):
        self.states.pop(event.event_id, None)
        if event.state:
            self.states[event.event_id] = HistoryRow(
                event.clock, "manychat", naive(event.occurred_at), event.state
            )

    def _rewrite(self, event_id):
        """Let the other writers back in where a mended event no longer is the newest."""
        own = [k for k, e in self.entries.items() if clock_event_id(e["clock"]) == event_id]
        for key in own:
            del self.entries[key]
        for known in self.ledger.values():
            if known.final:
                self._merge(known.clock, known.entries)
        self.changed_keys.update(own)

    def _merge(self, clock, values):
        """Keep the newest writer of each key; return whether every key was the newest."""
        newest = True
        for key, value in values.items():
            if clock > self.clock(key):
                if self.is_kept(key):
                    continue
                if key not in self.entries or self.entries[key]["value"] != value:
                    self.changed_keys.add(key)
                self.entries[key] = {"value": value, "clock": clock}
            elif clock != self.clock(key):
                newest = False
        return newest

    def _ground(self):
        initial = self.value("initial_state")
        if not initial:
            return self.ground
        at = naive(clock_occurred(self.clock("initial_state")))
        return self.ground._replace(initial_state=initial, initial_at=at)

    def _shown(self):
        picture = self.picture()._replace(steps=())
        keys = {key.removeprefix(GUESSED) for key in self.entries}
        return picture, {key: self.value(key) for key in keys}

    def _status(self, before, outdated):
        if not self.lead_id and not self.applied:
            return CREATED
        if self._shown() != before or (self.is_newly_known and not self.applied):
            return UPDATED
        return STALE if outdated else UNCHANGED

    def _is_unmapped(self, event):
        state = event.state or event.entries.get("initial_state")
        return bool(state) and self.ground.table.find(state, self.ground.team_id) is None
