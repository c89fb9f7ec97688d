"""What people changed in Odoo, as the addon's change feed tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import TransientError
from bridge.events.clock import parse_iso
from bridge.odoo.leads import MODEL, Caller

CHANGES = "manychat_changes"
KINDS = frozenset(
    {
        "values", "advisors", "stage", "lost", "archived", "restored", "merged", "deleted",
        "refolded", "partner",
    }
)  # fmt: skip
_BAD = "odoo_bad_answer"
_LONGEST_CLOCK = 160


@dataclass(frozen=True)
class Change:
    """One change by a person; `clock` orders it among the events of ManyChat.

    `values` holds what the person wrote, by the keys of events. `stage`, `dates` (None: the lead
    is gone) and `active` are the lead as it stood when it was read, `partner_id` (None: there is
    none) and `partner_active` the contact's partner. `entry`: what ManyChat is to be told because
    a person moved the lead into the stage where it stands.
    """

    manychat_id: str
    lead_id: int | None
    kind: str
    clock: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    stage: str | None = None
    dates: Mapping[str, str] | None = None
    active: bool | None = None
    partner_id: int | None = None
    partner_active: bool | None = None
    entry: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Unreadable:
    """A change that this release does not understand, as it was told, and why."""

    raw: Any = field(repr=False)
    reason: str


@dataclass(frozen=True)
class FeedPage:
    """Changes in the order of their commits; `gap`: some before them were deleted unread.

    `write_back` is how writing back to ManyChat is set up, as Odoo told it.
    """

    changes: tuple[Change, ...]
    cursor: str
    more: bool = False
    gap: bool = False
    unreadable: tuple[Unreadable, ...] = ()
    write_back: Any = field(default=None, repr=False)


class OdooFeed:
    """The change feed as the bridge sees it."""

    def __init__(self, client: Caller) -> None:
        self._client = client

    def read(self, cursor: str | None, limit: int) -> FeedPage:
        """At most `limit` changes behind `cursor` (None: from the beginning).

        Raises what the client raises, and TransientError (`odoo_bad_answer`).
        """
        answer = self._client.call(MODEL, CHANGES, cursor or False, limit)
        if not isinstance(answer, Mapping) or not isinstance(answer.get("changes"), list):
            raise TransientError(_BAD, "no changes")
        if not isinstance(answer.get("cursor"), str):
            raise TransientError(_BAD, "no cursor")
        read = [_read(raw) for raw in answer["changes"]]
        return FeedPage(
            changes=tuple(one for one in read if isinstance(one, Change)),
            cursor=answer["cursor"],
            more=bool(answer.get("more")),
            gap=bool(answer.get("gap")),
            unreadable=tuple(one for one in read if isinstance(one, Unreadable)),
            write_back=answer.get("write_back"),
        )


def _read(raw: Any) -> Change | Unreadable:
    """A change; one that cannot be read must not hold up those behind it."""
    try:
        return _change(raw)
    except TransientError as error:
        return Unreadable(raw, error.detail)


def _change(raw: Any) -> Change:
    if not isinstance(raw, Mapping) or raw.get("kind") not in KINDS:
        raise TransientError(_BAD, "unknown kind of change")
    manychat_id, clock = raw.get("manychat_id"), raw.get("clock")
    if not isinstance(manychat_id, str) or not isinstance(clock, str) or not _is_clock(clock):
        raise TransientError(_BAD, "a change without contact or clock")
    values, dates = raw.get("values") or {}, raw.get("dates")
    if not isinstance(values, Mapping) or not isinstance(dates, Mapping | None):
        raise TransientError(_BAD, "values or dates of a change")
    return Change(
        manychat_id=manychat_id,
        lead_id=_number(raw.get("lead_id")),
        kind=raw["kind"],
        clock=clock,
        values=values,
        stage=str(raw["stage"]) if raw.get("stage") else None,
        dates=None if dates is None else {str(k): str(v) for k, v in dates.items() if v},
        active=_flag(raw.get("active")),
        entry=raw["entry"] if isinstance(raw.get("entry"), Mapping) else None,
        partner_id=_number(raw.get("partner_id")),
        partner_active=_flag(raw.get("partner_active")),
    )


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and value else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _is_clock(text: str) -> bool:
    if len(text) > _LONGEST_CLOCK or text.count("|") < 3:
        return False
    try:
        parse_iso(text.partition("|")[0])
    except ValueError:
        return False
    return True
