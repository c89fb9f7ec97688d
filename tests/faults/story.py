"""What is posted, and what each post means: the truth that generator and oracle share.

Nothing here, in `generator`, `values` or `oracle` knows the bridge or the addon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

PATHS = {
    "contact": "/api/v1/manychat/webhook/contact",
    "assignment": "/api/v1/manychat/webhook/campaign-assignment",
    "stage": "/api/v1/manychat/webhook/stage-change",
    "address": "/api/v1/manychat/webhook/address",
    "lead": "/api/v1/crm/webhook/lead",
}
KILLER = "kills-its-worker"
"""A body that holds this ends the worker that applies it, before its commit (`worker.py`)."""


@dataclass(frozen=True)
class State:
    """A state as ManyChat names it; `name` is one for all its spellings.

    `stage` None: unmapped, or (`mapped`) one that moves nothing. `date`: the funnel date it fills.
    """

    name: str
    stage: str | None
    date: str | None = None
    mapped: bool = True
    won: bool = False


@dataclass(frozen=True)
class Hand:
    """What a person in Odoo changed besides values: the stage, whether the lead is in the archive,
    the salesperson (name). None: not that."""

    stage: str | None = None
    active: bool | None = None
    salesperson: str | None = None


@dataclass(frozen=True)
class Said:
    """What one event means; keys that are absent from `values` say nothing.

    `start` None: the time of arrival; else the event lies in `start` … `start + span`. A value
    of None clears (advisors and names). `state_text` is the state's text as it is to be kept.
    `hand`: a person did it in Odoo, and what else they did.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    start: datetime | None = None
    span: timedelta = timedelta(0)
    state: State | None = None
    state_text: str = ""
    initial: State | None = None
    campaign: str | None = None
    registered: datetime | None = None
    guesses_whatsapp: bool = False
    hand: Hand | None = None

    def occurred(self, received: datetime) -> datetime:
        """The end of what was written, never later than the arrival."""
        return received if self.start is None else min(self.start + self.span, received)


@dataclass(frozen=True)
class Post:
    """One webhook call; `said` is None where the body is poison.

    `key` is the idempotency key, in the header or, with `in_body`, as the field `event_id`.
    `copy_of` is the number of the post whose body and key this one repeats.
    """

    number: int
    kind: str
    contact: str
    body: bytes
    key: str
    in_body: bool = False
    said: Said | None = None
    poison: str = ""
    copy_of: int | None = None

    @property
    def kills(self) -> bool:
        return KILLER.encode() in self.body

    @property
    def good(self) -> bool:
        """Whether it is to reach Odoo."""
        return self.said is not None and not self.kills


@dataclass(frozen=True)
class Act:
    """One write of a person in Odoo to the leads of `contacts`.

    `mark` is the name that it gives them, another one each time: whatever became of the act is
    found by it. Advisors are logins; None: it leaves that alone.
    """

    mark: str
    contacts: tuple[str, ...]
    phone: str | None = None
    stage: str | None = None
    active: bool | None = None
    commercial: str | None = None
    medical: str | None = None


@dataclass(frozen=True)
class Happened:
    """An event as it was kept: which post, under which id, and when it arrived."""

    event_id: str
    received: datetime
    contact: str
    kind: str
    said: Said

    @property
    def occurred(self) -> datetime:
        return self.said.occurred(self.received)

    @property
    def clock(self) -> tuple[datetime, datetime, str]:
        return self.occurred, self.received, self.event_id
