"""A row of an export as the events that its webhooks would have been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bridge.errors import UnusableEvent
from bridge.events.cleaning.dates import event_time
from bridge.events.clock import iso
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.events.ids import event_id_for
from bridge.events.reading import Rules, accept, read_event
from bridge.events.spellings import ADDRESS_PARTS, FUNNEL_DATES, READ_BY, SPELLINGS
from bridge.transfer.headers import preference

Values = Mapping[str, Sequence[Any]]

_GIVEN_ID = "import"
_ASSIGNMENT = ("campaign", "commercial", "medical", "registered_at")
_AGE = ("occurred_at", "entry_date", "subscribed_at")
"""The fields that date a row, the best first."""
_BESIDE = (
    (EventType.ASSIGNMENT, _ASSIGNMENT, ("registered_at", *_AGE)),
    (EventType.ADDRESS, tuple(ADDRESS_PARTS), _AGE),
    (EventType.UPDATE, FUNNEL_DATES, _AGE),
)


@dataclass(frozen=True)
class Columns:
    """Which columns hold which field, in the order in which they are tried."""

    of: Mapping[str, Sequence[int]]

    @classmethod
    def from_guess(cls, headers: Sequence[str], guessed: Mapping[int, str]) -> Columns:
        found: dict[str, list[int]] = defaultdict(list)
        for column, key in sorted(guessed.items(), key=lambda item: preference(headers[item[0]])):
            found[key].append(column)
        return cls(found)


class RowReader:
    """Turns rows into events; `as_of` dates the rows that say nothing of their time."""

    def __init__(self, columns: Columns, rules: Rules, received_at: datetime, as_of: datetime):
        self._columns = columns
        self._rules = rules
        self._received_at = received_at
        self._as_of = min(as_of, received_at)

    def events(self, row: Sequence[Any]) -> list[tuple[Event, Envelope]]:
        """The row's contact, assignment, address and dates, as far as it says them.

        The same row gives the same event ids, in any file. Raises UnusableEvent.
        """
        values = self._values(row)
        found = [self._event(EventType.CONTACT, values, READ_BY[EventType.CONTACT], _AGE)]
        for type, keys, age in _BESIDE:
            if any(key in values for key in keys):
                # an address of dashes: the contact is no worse for it
                with suppress(UnusableEvent):
                    found.append(self._event(type, values, keys, age))
        return found

    def _values(self, row: Sequence[Any]) -> dict[str, list[Any]]:
        """What the columns of each field hold, without the empty ones."""
        found = {
            key: [row[column] for column in columns if column < len(row) and _is_said(row[column])]
            for key, columns in self._columns.of.items()
        }
        return {key: values for key, values in found.items() if values}

    def _event(
        self, type: EventType, values: Values, keys: Sequence[str], age: Sequence[str]
    ) -> tuple[Event, Envelope]:
        body = _body(values, ("manychat_id", *keys))
        written = self._written(values, age)
        said = body | ({"datetime_actual": written} if written is not None else {})
        dated = said if written is not None else body | {"datetime_actual": iso(self._as_of)}
        envelope = accept(type, dated, None, self._received_at, self._rules)
        event = read_event(envelope, self._rules)
        # of what the row says alone: not of the file's age, by which it is dated at need
        id = event_id_for(type, event.manychat_id, _GIVEN_ID, said)
        return replace(event, event_id=id), replace(envelope, id=id)

    def _written(self, values: Values, age: Sequence[str]) -> Any:
        """The best one of these fields' values that can be read."""
        for key in age:
            for value in values.get(key, ()):
                moment, _ = event_time(value, self._rules.timezone, self._received_at)
                if moment is not None:
                    return value
        return None


def _is_said(value: Any) -> bool:
    return value is not None and bool(str(value).strip())


def _body(values: Values, keys: Sequence[str]) -> dict[str, Any]:
    """The values of these fields under the names that a webhook gives them, the best one first."""
    return {
        name: value
        for key in keys
        for name, value in zip(SPELLINGS[key], values.get(key, ()), strict=False)
    }
