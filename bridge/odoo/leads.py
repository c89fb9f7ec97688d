"""Where the bridge and the addon meet: a batch of events to leads, and what leads there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bridge.errors import TransientError
from bridge.events.clock import iso

MODEL = "crm.lead"
SYNC = "manychat_sync"
HEALTH = "manychat_health"
LEADS = "manychat_leads"
CHECK = "manychat_check"
ERASE = "manychat_erase"
STATUSES = frozenset({"rejected", "created", "updated", "stale", "unchanged"})
_BAD = "odoo_bad_answer"


class Caller(Protocol):
    """What `OdooLeads` needs of a client."""

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any: ...


@dataclass(frozen=True)
class SyncResult:
    """What the addon made of one event; `dates` maps funnel-date names to ISO UTC texts.

    `message` may quote the event: keep it out of logs.
    """

    event_id: str
    status: str
    unmapped: bool = False
    retryable: bool = False
    lead_id: int | None = None
    stage: str | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    message: str | None = field(default=None, repr=False)
    partner_id: int | None = None


class OdooLeads:
    """`crm.lead` as the bridge sees it; with `partners` every contact has a partner there."""

    def __init__(self, client: Caller, *, partners: bool = False) -> None:
        self._client = client
        self._mode = {"partners": True} if partners else {}

    def sync(self, events: Sequence[Mapping[str, Any]]) -> list[SyncResult]:
        """Send events in one call; their results, in the events' order.

        Raises what the client raises, and TransientError (`odoo_bad_answer`) unless each event
        got exactly one known result.
        """
        answer = self._client.call(MODEL, SYNC, [dict(event) for event in events], **self._mode)
        if not isinstance(answer, list):
            raise TransientError(_BAD, "no list")
        results = {result.event_id: result for result in map(_result, answer)}
        wanted = [str(event["event_id"]) for event in events]
        if len(answer) != len(wanted) or results.keys() != set(wanted):
            raise TransientError(_BAD, f"{len(answer)} results for {len(wanted)} events")
        return [results[event_id] for event_id in wanted]

    def health(self) -> Mapping[str, Any]:
        """What the addon says about itself: `version`, `series`, `mappings`, `unmapped`."""
        return self._object(HEALTH)

    def listing(
        self, filters: Mapping[str, Any], page: int, size: int
    ) -> tuple[list[Mapping[str, Any]], int]:
        """One page of the leads that have a ManyChat id, newest first, and the total.

        `filters`: `lead_id` (int), `manychat_id`, `phone`, `email`, `state` (lists of texts of
        which one fits), `active`. Raises as `sync` does.
        """
        answer = self._object(LEADS, dict(filters), page, size)
        rows, total = answer.get("leads"), answer.get("total")
        whole = isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows)
        if not whole or not isinstance(total, int):
            raise TransientError(_BAD, "leads")
        return list(rows or ()), total

    def check(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """What `sync` would do with one event: `lead_id stage next_stage rule action`, …"""
        return self._object(CHECK, dict(event))

    def erase(self, manychat_id: str, erased_at: datetime) -> Mapping[str, Any]:
        """Make the contact's lead anonymous; `{leads, partners, partners_kept}`, how many."""
        return self._object(ERASE, [manychat_id], iso(erased_at))

    def _object(self, method: str, *args: Any) -> Mapping[str, Any]:
        answer = self._client.call(MODEL, method, *args)
        if not isinstance(answer, Mapping):
            raise TransientError(_BAD, "no object")
        return answer


def _result(raw: Any) -> SyncResult:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("event_id"), str):
        raise TransientError(_BAD, "a result without an event")
    if raw.get("status") not in STATUSES:
        raise TransientError(_BAD, "unknown status")
    dates = raw.get("dates") or {}
    if not isinstance(dates, Mapping):
        raise TransientError(_BAD, "dates")
    lead_id, partner_id = raw.get("lead_id"), raw.get("partner_id")
    return SyncResult(
        event_id=raw["event_id"],
        status=raw["status"],
        unmapped=bool(raw.get("unmapped")),
        retryable=bool(raw.get("retryable")),
        lead_id=lead_id if isinstance(lead_id, int) and lead_id else None,
        stage=str(raw["stage"]) if raw.get("stage") else None,
        dates={str(key): str(value) for key, value in dates.items() if value},
        message=str(raw["message"]) if raw.get("message") else None,
        partner_id=partner_id if isinstance(partner_id, int) and partner_id else None,
    )
