"""What the first page shows, gathered from every part at once; what is away is said so."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request, Response
from fastapi_problem.error import StatusProblem

from bridge.api.asking import ask_desk
from bridge.api.ops.rendering import wait
from bridge.api.reports import OK, HealthReport, health_report
from bridge.metrics import code_in
from bridge.mirror.hops import UNREAD_SECONDS, Hop
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, DEAD_LETTER_QUEUE

if TYPE_CHECKING:  # the mirror's driver is loaded when the mirror is first asked
    from bridge.api.mirror_desk import MirrorDesk
    from bridge.mirror.statistics import Statistics
    from bridge.mirror.stuck import Stuck
    from bridge.mirror.watching import Waiting

T = TypeVar("T")
_ERRORS = 8


@dataclass(frozen=True)
class HopRow:
    """One hop of the road; what cannot be known now is None.

    `unread`: seconds for which nobody took what is due, where that is too long.
    """

    name: str
    does: str
    depth: int | None
    lag: float | None
    paused_since: datetime | None
    unread: float | None = None


@dataclass(frozen=True)
class Overview:
    """Each field that comes from the mirror is None while it is away."""

    health: HealthReport
    hops: Sequence[HopRow]
    waiting: Waiting | None
    letters: Sequence[tuple[str, str, int]]
    numbers: Statistics | None
    errors: Sequence[Stuck] | None
    unmapped: int
    problems: Sequence[str]


async def gather(request: Request) -> Overview:
    """Ask every part, each for a few seconds at most."""
    now = datetime.now(UTC)
    health, waiting, numbers, errors = await asyncio.gather(
        health_report(request, Response()),
        _or_none(request, lambda desk: desk.waiting()),
        _or_none(request, lambda desk: desk.statistics(now)),
        _or_none(request, lambda desk: desk.last_errors(_ERRORS)),
    )
    found = waiting.letters if waiting else ()
    letters = Counter((hop, code_in(reason)) for hop, reason in found)
    hops = _hops(health, waiting)
    return Overview(
        health, hops, waiting,
        [(*key, count) for key, count in letters.most_common()], numbers, errors,
        _unmapped(health, numbers), _problems(health, hops, waiting, numbers),
    )  # fmt: skip


async def _or_none(request: Request, question: Callable[[MirrorDesk], T]) -> T | None:
    try:
        return await ask_desk(request, question)
    except StatusProblem:
        return None  # the mirror's own line says why


def _hops(health: HealthReport, waiting: Waiting | None) -> list[HopRow]:
    queue = health.parts["queue"].detail
    since = waiting.paused if waiting else {}
    lags: dict[str, Any] = queue.get("receive_lag_by_queue") or {}

    # while mirror or Odoo is away their own lines say why things wait
    overdue = waiting.overdue_seconds if waiting and health.parts["odoo"].status == OK else 0.0

    def row(hop: Hop, does: str, depth: int | None, lag: float | None) -> HopRow:
        due = overdue if hop is Hop.CRM else lag or 0.0
        unread = waiting is not None and hop not in since and due > UNREAD_SECONDS
        return HopRow(str(hop), does, depth, lag, since.get(str(hop)), due if unread else None)

    outbox, oldest = (waiting.outbox, waiting.oldest_seconds) if waiting else (None, None)
    untold = None if waiting is None else waiting.untold
    contact = queue.get(CONTACT_QUEUE), lags.get(CONTACT_QUEUE)
    campaign = queue.get(CAMPAIGN_QUEUE), lags.get(CAMPAIGN_QUEUE)
    left = None if waiting is None else waiting.inbox + (queue.get(DEAD_LETTER_QUEUE) or 0)
    return [
        row(Hop.CONTACT, "contacts: queue to mirror", *contact),
        row(Hop.CAMPAIGN, "campaigns and states: queue to mirror", *campaign),
        row(Hop.CRM, "mirror to Odoo", outbox, oldest),
        row(Hop.FEEDBACK, "what people change in Odoo, to the mirror", None, None),
        row(Hop.WRITE_BACK, "what ManyChat is told", untold, None),
        row(Hop.SCHEDULE, "inbox and dead letters, old rows", left, None),
    ]


def _problems(
    health: HealthReport,
    hops: Sequence[HopRow],
    waiting: Waiting | None,
    numbers: Statistics | None,
) -> list[str]:
    """What a person should look at, the worst first."""
    found = [f"{name} is {part.status}" + (f" ({part.code})" if part.code else "")
             for name, part in health.parts.items()
             if part.status not in {"ok", "not configured"}]  # fmt: skip
    if health.parts["queue"].detail.get("breaker_open"):
        found.append("the queue's breaker is open: webhooks go to the inbox")
    found += [f"{hop.name} has not been read for {wait(hop.unread)}: is its worker running?"
              for hop in hops if hop.unread]  # fmt: skip
    if waiting:
        found += [f"{hop} is paused" for hop in sorted(waiting.paused)]
        found += _counted(waiting.parked, "parked event", "waits for a person")
        found += _counted(len(waiting.letters), "dead letter", "was not replayed")
        found += _counted(waiting.untellable, "value", "was refused by ManyChat for good")
        found += _counted(waiting.inbox, "event", "waits in the inbox for the queue")
    found += _counted(_unmapped(health, numbers), "state", "has no stage in Odoo")
    return found


def _unmapped(health: HealthReport, numbers: Statistics | None) -> int:
    """By Odoo, who knows which were given a rule since; else by what it said when they came."""
    told = health.parts["odoo"].detail.get("unmapped")
    if isinstance(told, int):
        return told
    return len(numbers.unmapped_states) if numbers else 0


def _counted(count: int, what: str, does: str) -> list[str]:
    if not count:
        return []
    if count == 1:
        return [f"1 {what} {does}"]
    plural = {"was": "were", "has": "have", "waits": "wait"}
    verb, _, rest = does.partition(" ")
    return [f"{count} {what}s {plural[verb]} {rest}"]
