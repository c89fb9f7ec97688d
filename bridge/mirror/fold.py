"""Pure folds: the newest writer of each key, and a contact's campaigns from its facts.

Nothing here knows the database; every function gives the same for any arrival order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple


class Written(NamedTuple):
    """One key's value (None: cleared) and the clock of the write."""

    value: Any
    clock: str


class Who(NamedTuple):
    """An advisor: the reference ManyChat gave, and the mirror's id where it is known."""

    ref: str | None
    advisor_id: int | None


NOBODY = Who(None, None)


@dataclass(frozen=True)
class Fact:
    """What one event said about campaign, advisors, summary and state; None: nothing.

    `NOBODY` clears an advisor, an empty `summary` clears that. `written` are dates that a person
    wrote (None: cleared), by their column. `stage` is where the lead stood when it was adopted.
    """

    clock: str
    occurred_at: datetime
    campaign_id: int | None = None
    registered_at: datetime | None = None
    commercial: Who | None = None
    medical: Who | None = None
    summary: str | None = None
    state: str | None = None
    written: Mapping[str, datetime | None] = field(default_factory=dict)
    stage: str | None = None


@dataclass(frozen=True)
class Assignment:
    """A contact in one campaign, as a fold of facts; `since` is where it came into force."""

    campaign_id: int | None
    since: datetime
    registration_date: datetime | None = None
    commercial: Who | None = None
    medical: Who | None = None
    summary: str | None = None
    last_state: str | None = None
    lead_state: str | None = None
    dates: Mapping[str, datetime] = field(default_factory=dict)
    written: Mapping[str, datetime | None] = field(default_factory=dict)


def newest(writes: Iterable[tuple[str, Written]], known: Mapping[str, str]) -> dict[str, Written]:
    """Of `writes` (key, write), the newest of each key, where it beats the clock in `known`."""
    winners: dict[str, Written] = {}
    for key, write in writes:
        best = winners[key].clock if key in winners else known.get(key, "")
        if write.clock > best:
            winners[key] = write
    return winners


def fold_assignments(
    facts: Sequence[Fact], dates: Mapping[str, datetime], stage: str | None
) -> list[Assignment]:
    """A contact's campaigns in the order in which they came into force.

    A fact without a campaign belongs to the campaign in force at its time; what precedes the
    first campaign belongs to the first. Without any campaign, facts about advisors or written
    dates make one assignment without campaign, and nothing else makes one. `dates` are the
    lead's funnel dates and `stage` its stage in Odoo; a date that a person wrote stands before
    them.
    """
    ordered = sorted(facts, key=lambda fact: fact.clock)
    first = next((fact.campaign_id for fact in ordered if fact.campaign_id is not None), None)
    if first is None and not any(_makes_one(fact) for fact in ordered):
        return []
    found: dict[int | None, Assignment] = {}
    current, spans = first, []
    for fact in ordered:
        current = current if fact.campaign_id is None else fact.campaign_id
        spans.append((fact.occurred_at, current))
        found[current] = _with(found.get(current), fact, current)
    _place(found, spans, dates)
    if stage is not None:
        found[current] = replace(found[current], lead_state=stage)
    return [_as_written(assignment) for assignment in found.values()]


def clocks_of_campaign(facts: Sequence[Fact], campaign_id: int | None) -> list[str]:
    """The clocks of the facts that belong to this campaign in the fold."""
    ordered = sorted(facts, key=lambda fact: fact.clock)
    current = next((fact.campaign_id for fact in ordered if fact.campaign_id is not None), None)
    clocks = []
    for fact in ordered:
        current = current if fact.campaign_id is None else fact.campaign_id
        if current == campaign_id:
            clocks.append(fact.clock)
    return clocks


def _makes_one(fact: Fact) -> bool:
    return bool(fact.commercial or fact.medical or fact.written)


def _as_written(assignment: Assignment) -> Assignment:
    dates = {**assignment.dates, **assignment.written}
    registered = dates.pop("registration_date", assignment.registration_date)
    standing = {name: moment for name, moment in dates.items() if moment is not None}
    return replace(assignment, registration_date=registered, dates=standing)


def _with(known: Assignment | None, fact: Fact, campaign_id: int | None) -> Assignment:
    known = known or Assignment(campaign_id, fact.occurred_at)
    said = {
        name: getattr(fact, name)
        for name in ("commercial", "medical")
        if getattr(fact, name) is not None
    }
    if fact.summary is not None:
        said["summary"] = fact.summary or None
    said["written"] = {**known.written, **fact.written}
    if fact.state is not None:
        said["last_state"] = fact.state
    if fact.stage is not None:
        said["lead_state"] = fact.stage
    registered = fact.registered_at or (fact.occurred_at if fact.campaign_id is not None else None)
    moments = [moment for moment in (known.registration_date, registered) if moment]
    return replace(known, registration_date=min(moments, default=None), **said)


def _place(
    found: dict[int | None, Assignment],
    spans: Sequence[tuple[datetime, int | None]],
    dates: Mapping[str, datetime],
) -> None:
    """Give each funnel date to the campaign that was in force then; Odoo keeps whole seconds."""
    for name, moment in dates.items():
        before = [campaign for since, campaign in spans if since.replace(microsecond=0) <= moment]
        campaign = before[-1] if before else spans[0][1]
        known = found[campaign]
        found[campaign] = replace(known, dates={**known.dates, name: moment})
