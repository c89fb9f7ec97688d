"""The event as the mirror and the workers see it: cleaned, typed, immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from bridge.events.clock import clock_text

Value = str | datetime | Literal[False] | Mapping[str, str]
"""One value of an event; `False` clears, an absent key leaves things as they are."""


class EventType(StrEnum):
    """The kinds of events, as they stand in the envelope."""

    CONTACT = "contact"
    ASSIGNMENT = "assignment"
    STAGE = "stage"
    ADDRESS = "address"
    LEAD = "lead"
    UPDATE = "update"


@dataclass(frozen=True)
class Scrub:
    """A field that was mended or left out: the spelling ManyChat used, and why (a code)."""

    field: str
    code: str

    @property
    def text(self) -> str:
        return f"{self.field}: {self.code}"


@dataclass(frozen=True)
class Event:
    """One cleaned event.

    `values` holds a subset of these keys:

    - text: `first_name last_name phone email gender state initial_state summary category`;
    - `channel`: a known channel's name, another name, or bare digits (a `Channel.id` or junk:
      the mirror looks it up and never makes a channel of it);
    - aware UTC datetimes: `subscribed_at entry_date registered_at` (the last one is the
      assignment's `registration_date`, for the mirror alone);
    - `campaign`: the raw id (digits) or name, as ManyChat wrote it;
    - `commercial`, `medical`: the raw advisor reference (id, e-mail, name), or `False`;
    - `advisor`: the raw reference of a stage change's `advisor_id`; the mirror makes it
      `medical` if that advisor's role says so, else `commercial`;
    - `address`: a mapping with any of `street district city state country`;
    - `dates`: a mapping of `Campaign_Contact` dates that a person wrote, as ISO texts, `""` for
      one that was cleared; for the mirror alone.

    Only an `update` event clears other keys than advisors.

    `guessed` names the keys that no field carried (WhatsApp, from a phone without a channel):
    they fill a gap and never stand against a value that somebody wrote.
    """

    event_id: str
    revision: int
    type: EventType
    manychat_id: str
    occurred_at: datetime
    received_at: datetime
    values: Mapping[str, Value]
    scrubs: tuple[Scrub, ...] = ()
    guessed: frozenset[str] = frozenset()

    @property
    def clock(self) -> str:
        """The text by which this event's writes are ordered, compared bytewise."""
        return clock_text(self.occurred_at, self.received_at, self.event_id, self.revision)
