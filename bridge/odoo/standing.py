"""How leads stand in Odoo, page by page, for whoever compares them with the mirror."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.errors import TransientError
from bridge.events.clock import iso
from bridge.odoo.leads import MODEL, Caller

STANDING = "manychat_standing"
LEAD_IDS = "manychat_lead_ids"
STATES = "manychat_states"
LET_GO = "manychat_let_go"
RECONCILED = "manychat_reconciled"
REPORTS = "manychat.reconciliation"
_BAD = "odoo_bad_answer"

Written = tuple[Any, str]
"""A value and the clock of whoever wrote it."""


@dataclass(frozen=True)
class Lead:
    """One contact's lead; `shared` by several contacts since a merge.

    `values` by key, with a guessed one's key beginning with `guessed.`; `state` is ManyChat's
    newest, `moved` the clock of a person's newest move.
    """

    manychat_id: str
    lead_id: int
    stage: str | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    active: bool = True
    partner_id: int | None = None
    shared: bool = False
    state: Written | None = None
    moved: str = ""
    values: Mapping[str, Written] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Twin:
    """A lead beside the one that the contact's events go to; `foreign`: another company's."""

    manychat_id: str
    lead_id: int
    foreign: bool


@dataclass(frozen=True)
class Standing:
    """What Odoo says of some contacts; of `unread` ones the change feed has news.

    `erased` says of contacts without a lead up to when (ISO text) Odoo has erased them.
    """

    leads: Mapping[str, Lead]
    unread: frozenset[str] = frozenset()
    twins: tuple[Twin, ...] = ()
    keeps_edited: bool = True
    erased: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """One state in a lead's history."""

    manychat_id: str
    state: str
    category: str | None
    clock: str


class OdooStanding:
    """The addon's side of a comparison. Every method raises what the client raises, and
    TransientError (`odoo_bad_answer`)."""

    def __init__(self, client: Caller) -> None:
        self._client = client

    def standing(self, manychat_ids: Sequence[str], cursor: str | None) -> Standing:
        """How these contacts' leads stand; `cursor`: how far the change feed was read."""
        answer = self._client.call(MODEL, STANDING, list(manychat_ids), cursor or False)
        try:
            leads = [_lead(raw) for raw in answer["leads"]]
            twins = tuple(
                Twin(str(raw["manychat_id"]), int(raw["lead_id"]), bool(raw["foreign"]))
                for raw in answer["twins"]
            )
            unread = frozenset(map(str, answer["unread"]))
            keeps = bool(answer["keeps_edited"])
            erased = {str(id): str(until) for id, until in answer["erased"].items()}
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise TransientError(_BAD, f"standing: {type(error).__name__}") from None
        return Standing({lead.manychat_id: lead for lead in leads}, unread, twins, keeps, erased)

    def lead_ids(self, after: int, limit: int, since: datetime | None) -> list[tuple[int, str]]:
        """At most `limit` lead ids behind `after` with their contacts; written since then."""
        answer = self._client.call(MODEL, LEAD_IDS, after, limit, iso(since) if since else False)
        try:
            return [(int(lead_id), str(manychat_id)) for lead_id, manychat_id in answer]
        except (TypeError, ValueError):
            raise TransientError(_BAD, "lead ids") from None

    def states(self, manychat_ids: Sequence[str]) -> list[State]:
        """Every state of these contacts' leads, in order."""
        answer = self._client.call(MODEL, STATES, list(manychat_ids))
        try:
            return [
                State(str(raw["manychat_id"]), str(raw["state"]), raw["category"] or None,
                      str(raw["clock"]))
                for raw in answer
            ]  # fmt: skip
        except (LookupError, TypeError):
            raise TransientError(_BAD, "states") from None

    def let_go(self, lead_ids: Sequence[int]) -> int:
        """Take the ManyChat id off twins; how many were."""
        count = self._client.call(MODEL, LET_GO, list(lead_ids))
        return count if isinstance(count, int) else 0

    def tell(self, report: Mapping[str, Any]) -> None:
        """Leave a comparison's result for people to see in Odoo."""
        self._client.call(REPORTS, RECONCILED, dict(report))


def _lead(raw: Mapping[str, Any]) -> Lead:
    return Lead(
        manychat_id=str(raw["manychat_id"]),
        lead_id=int(raw["lead_id"]),
        stage=str(raw["stage"]) if raw["stage"] else None,
        dates={str(key): str(value) for key, value in raw["dates"].items()},
        active=bool(raw["active"]),
        partner_id=raw["partner_id"] or None,
        shared=bool(raw["shared"]),
        state=_written(raw["state"]) if raw["state"] else None,
        moved=str(raw["person"][1]) if raw["person"] else "",
        values={str(key): _written(pair) for key, pair in raw["values"].items()},
    )


def _written(pair: Sequence[Any]) -> Written:
    value, clock = pair
    return value or None, str(clock)
