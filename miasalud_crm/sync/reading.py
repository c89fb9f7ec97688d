"""Reads what a caller sent into events; a wrong type rejects that event and no other."""

from datetime import datetime
from typing import NamedTuple

from ..const import (
    ADDRESS_PARTS,
    ADVISOR_KEYS,
    GUESSED,
    MAX_ID,
    MAX_TEXT,
    TEXT_KEYS,
    TIME_KEYS,
)
from .clock import clock_text, iso, parse_iso
from .text import storable

EVENT_KEYS = frozenset(
    {
        "event_id",
        "revision",
        "type",
        "manychat_id",
        "occurred_at",
        "received_at",
        "values",
        "guessed",
    }
)


class Refused(Exception):
    """An event that can never be read; the text is safe to show and to log."""


class SyncEvent(NamedTuple):
    """One readable event.

    ``entries`` maps a key (an address by its parts: ``address.street``) to its value or False;
    a guessed one's key starts with ``guessed.``; ``state`` and ``category`` are apart because
    they make the history. ``notes`` says what was left aside.
    """

    event_id: str
    revision: int
    type: str
    manychat_id: str
    occurred_at: datetime
    received_at: datetime
    entries: dict
    state: str | None
    category: str | None
    notes: tuple[str, ...]

    @property
    def clock(self):
        return clock_text(self.occurred_at, self.received_at, self.event_id, self.revision)


def given_event_id(raw):
    """Return the event id as text if ``raw`` has a usable one, else None."""
    event_id = raw.get("event_id") if isinstance(raw, dict) else None
    if isinstance(event_id, str) and 0 < len(storable(event_id)) <= MAX_ID:
        return storable(event_id)
    return None


def read_event(raw):
    """Return the ``SyncEvent`` of one caller's dict. Raises ``Refused``."""
    if not isinstance(raw, dict):
        raise Refused("event: not an object")
    notes = [f"{key}: unknown key ignored" for key in sorted(map(str, raw.keys() - EVENT_KEYS))]
    received_at = _time("received_at", raw.get("received_at"))
    entries, state, category = _values(raw.get("values", {}), notes)
    _set_guesses_apart(entries, raw.get("guessed", []))
    return SyncEvent(
        event_id=_identifier(raw, "event_id"),
        revision=_revision(raw.get("revision", 0)),
        type=_identifier(raw, "type"),
        manychat_id=_identifier(raw, "manychat_id"),
        # Nothing happens after it was heard of, else it would make later events look old.
        occurred_at=min(_time("occurred_at", raw.get("occurred_at")), received_at),
        received_at=received_at,
        entries=entries,
        state=state,
        category=category,
        notes=tuple(notes),
    )


def _set_guesses_apart(entries, keys):
    """Let a guessed value fill a gap, under a key of its own, and never beat a written one."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise Refused("guessed: a list of keys is due")
    for key in set(keys) & entries.keys():
        entries[GUESSED + key] = entries.pop(key)


def _identifier(raw, key):
    value = raw.get(key)
    if not isinstance(value, str) or not 0 < len(storable(value)) <= MAX_ID:
        raise Refused(f"{key}: a text of 1 to {MAX_ID} characters is due")
    return storable(value)


def _revision(value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 999_999:
        raise Refused("revision: a whole number from 0 to 999999 is due")
    return value


def _time(name, value):
    if not isinstance(value, str):
        raise Refused(f"{name}: an ISO 8601 text is due")
    try:
        return parse_iso(value)
    except (ValueError, OverflowError):
        raise Refused(f"{name}: not an ISO 8601 time") from None


def _values(values, notes):
    if not isinstance(values, dict):
        raise Refused("values: not an object")
    entries = {}
    for key, value in values.items():
        if key in TEXT_KEYS:
            _keep(entries, key, _text(key, value), notes)
        elif key in TIME_KEYS:
            entries[key] = value if value is False else iso(_time(f"values.{key}", value))
        elif key in ADVISOR_KEYS:
            parts = _reference(key, value, ("id", "odoo_id"), ("email", "name"))
            _keep(entries, key, parts, notes)
        elif key == "campaign":
            _keep(entries, key, _reference(key, value, ("id",), ("name",)), notes)
        elif key == "address":
            _address(entries, value, notes)
        else:
            notes.append(f"values.{key}: unknown key ignored")
    return _without_state(entries, notes)


def _without_state(entries, notes):
    state, category = (entries.pop(key, None) for key in ("state", "category"))
    if state is False:
        notes.append("values.state: a state cannot be cleared, ignored")
    return entries, state or None, category or None


def _text(key, value):
    if value is False:
        return False
    if not isinstance(value, str):
        raise Refused(f"values.{key}: a text or false is due")
    if len(value) > MAX_TEXT:
        raise Refused(f"values.{key}: longer than {MAX_TEXT} characters")
    return storable(value)


def _keep(entries, key, value, notes):
    if not value and value is not False:
        notes.append(f"values.{key}: blank, ignored")
    else:
        entries[key] = value


def _address(entries, value, notes):
    if value is False:
        value = dict.fromkeys(ADDRESS_PARTS, False)
    if not isinstance(value, dict):
        raise Refused("values.address: an object or false is due")
    for part, text in value.items():
        if part in ADDRESS_PARTS:
            _keep(entries, f"address.{part}", _text(f"address.{part}", text), notes)
        else:
            notes.append(f"values.address.{part}: unknown key ignored")


def _reference(key, value, numbers, texts):
    """Return the parts of a campaign or advisor that are set; False clears, {} says nothing."""
    if value is False:
        return False
    if not isinstance(value, dict):
        raise Refused(f"values.{key}: an object or false is due")
    kept = {}
    for part in numbers:
        kept[part] = _number(f"{key}.{part}", value.get(part))
    for part in texts:
        text = value.get(part)
        kept[part] = "" if text is None else (_text(f"{key}.{part}", text) or "")
    return {part: item for part, item in kept.items() if item}


def _number(name, value):
    if value is None or value is False:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise Refused(f"values.{name}: a whole number or null is due")
    return value
