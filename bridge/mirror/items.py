"""What the parts of one application pass to each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from bridge.events.clock import iso
from bridge.events.envelope import Envelope
from bridge.events.event import Event

GUESSED = "guessed"
"""The key of a ledger row's `said` that lists guessed keys."""


class Writer(NamedTuple):
    """An event as the writer of values: its id, its clock, and its values as JSON."""

    event_id: str
    clock: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """A new event of the batch.

    `said` is its values as JSON, with what an older revision said and this one does not;
    `known` tells whether there was an older revision.
    """

    event: Event
    envelope: Envelope
    contact_id: int
    said: Mapping[str, Any]
    known: bool

    @property
    def writer(self) -> Writer:
        return Writer(self.event.event_id, self.event.clock, self.said)


def said_by(event: Event, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An event's values as JSON; `before` is what its older revision said.

    State and category are said anew by every revision; the rest keeps the old value where the
    mended event has none.
    """
    kept = {k: v for k, v in (before or {}).items() if k not in {"state", "category", GUESSED}}
    said = kept | {key: as_json(value) for key, value in event.values.items()}
    still = {key for key in (before or {}).get(GUESSED, ()) if key not in event.values}
    guessed = sorted(event.guessed | still)
    return said | ({GUESSED: guessed} if guessed else {})


def dumps(value: Any) -> str:
    """Compact JSON, not ASCII-escaped, without lone surrogates (no database can hold them)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def as_json(value: Any) -> Any:
    """A value of an event as JSON has it: times as ISO texts."""
    if isinstance(value, datetime):
        return iso(value)
    return dict(value) if isinstance(value, Mapping) else value
