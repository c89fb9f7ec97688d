"""One adopted contact as facts: pure, so that the fold of its facts gives its rows again.

Without these facts the contact's next event would fold its `Campaign_Contact` rows away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from bridge.events.clock import clock_text, iso
from bridge.events.spellings import FUNNEL_DATES
from bridge.mirror.adopt.funnel import funnel_dates
from bridge.mirror.adopt.old import Raw
from bridge.mirror.contacts import ADDRESS_COLUMNS, COLUMNS
from bridge.mirror.fold import Fact, Who, clocks_of_campaign, fold_assignments
from bridge.mirror.items import dumps

_NAMESPACE = UUID("2b0d7c54-5d0e-5b7a-8f0c-6f1f4a1c77ad")
_STEP = timedelta(microseconds=10)
_TICK = timedelta(microseconds=1)


@dataclass
class Person:
    """A contact and what belongs to it: dates in UTC, `campaign_id` an existing one or None."""

    contact: Raw
    states: list[Raw] = field(default_factory=list)
    campaigns: list[Raw] = field(default_factory=list)
    address: Raw | None = None


@dataclass(frozen=True)
class Turned:
    """Rows to write: updates of `states` by id, the others new; `folded` go out (id -> why)."""

    states: list[Raw]
    new_states: list[Raw]
    facts: list[Raw]
    clocks: list[Raw]
    folded: Mapping[int, str]
    stage: str | None
    seen: datetime


def event_id(table: str, id: int, what: str = "") -> str:
    """The id of the event that an adopted row stands for: the same in every run."""
    return str(uuid5(_NAMESPACE, f"{table}:{id}:{what}"))


def turn(person: Person, advisors: frozenset[int], now: datetime) -> Turned:
    """What the contact's rows say as facts; `advisors` are the ids that the mirror knows."""
    first = min(_times(person), default=now)
    facts = [_fact_row(row, advisors, min(first, now), now) for row in person.campaigns]
    states = [_state_row(row, now) for row in person.states]
    _set_clocks(facts, states)
    facts.sort(key=lambda row: str(row["clock"]))
    told = _told(facts, states)
    folded = fold_assignments(told, funnel_dates(_passed(states)), None)
    last = {row["campaign_id"]: row for row in facts}
    for assignment in folded:
        if row := last.get(assignment.campaign_id):
            row["dates"] = {**row["dates"], **assignment.dates}
    states_now = {assignment.campaign_id: assignment.last_state for assignment in folded}
    new_states = _last_states(person, last, states_now, told)
    seen = min(max(_times(person), default=now), now)
    return Turned(
        states=states,
        new_states=new_states,
        facts=[_as_fact(row) for row in facts],
        clocks=_clocks(person, seen),
        folded=_folded(facts, {assignment.campaign_id for assignment in folded}),
        stage=facts[-1]["lead_state"] if facts else None,
        seen=seen,
    )


def _times(person: Person) -> list[datetime]:
    rows = [person.contact, *person.states, *person.campaigns]
    return [value for row in rows for value in row.values() if isinstance(value, datetime)]


def _fact_row(row: Raw, advisors: frozenset[int], first: datetime, now: datetime) -> Raw:
    dates = {name: row[name] for name in FUNNEL_DATES if row.get(name)}
    began = row.get("registration_date") or min(dates.values(), default=first)
    made = {
        "contact_id": row["contact_id"],
        "row_id": row["id"],
        "event_id": event_id("Campaign_Contact", row["id"]),
        "revision": 0,
        "occurred_at": min(began, now),
        "campaign_id": row["campaign_id"],
        "registered_at": row.get("registration_date"),
        "summary": row.get("summary") or None,
        "lead_state": row.get("lead_state") or None,
        "dates": dates,
    }
    if row["campaign_id"] is None:
        # a written date makes the row without a campaign stand
        made["dates"] = {"registration_date": min(began, now), **dates}
    for role in ("commercial", "medical"):
        id = row.get(f"{role}_advisor_id")
        made[f"{role}_said"] = id is not None
        made[f"{role}_ref"] = None if id is None else str(id)
        made[f"{role}_advisor_id"] = id if id in advisors else None
    return made


def _state_row(row: Raw, now: datetime) -> Raw:
    return {
        "id": row["id"],
        "state": row["state"],
        "created_at": row["created_at"],
        "occurred_at": min(row["created_at"], now),
        "event_id": event_id("Contact_State", row["id"]),
        "revision": 0,
    }


def _set_clocks(facts: Sequence[Raw], states: Sequence[Raw]) -> None:
    """Equal times keep the order of ids, an assignment before a state."""
    rows = [*sorted(facts, key=lambda row: int(row["row_id"])), *states]
    rows.sort(key=lambda row: row["occurred_at"])
    same, before = 0, None
    for row in rows:
        same = same + 1 if row["occurred_at"] == before else 0
        before = row["occurred_at"]
        row["received"] = before + same * _STEP
        row["clock"] = clock_text(before, row["received"], row["event_id"], 0)


def _told(facts: Sequence[Raw], states: Sequence[Raw]) -> list[Fact]:
    said = [
        Fact(
            row["clock"], row["occurred_at"], row["campaign_id"], row["registered_at"],
            commercial=_who(row, "commercial"), medical=_who(row, "medical"),
            summary=row["summary"], written=row["dates"], stage=row["lead_state"],
        )
        for row in facts
    ]  # fmt: skip
    return said + [Fact(row["clock"], row["occurred_at"], state=row["state"]) for row in states]


def _who(row: Raw, role: str) -> Who | None:
    said = row[f"{role}_said"]
    return Who(row[f"{role}_ref"], row[f"{role}_advisor_id"]) if said else None


def _passed(states: Sequence[Raw]) -> list[tuple[datetime, str]]:
    return [(row["occurred_at"], row["state"]) for row in states]


def _last_states(
    person: Person,
    facts: Mapping[int | None, Raw],
    known: Mapping[int | None, str | None],
    told: Sequence[Fact],
) -> list[Raw]:
    """A history row for each last state that the history does not end with."""
    received = {row["clock"]: row["received"] for row in facts.values()}
    made = []
    rows = {row["id"]: row for row in person.campaigns}
    for campaign_id, fact in facts.items():
        state = rows[fact["row_id"]].get("last_state")
        if not state or campaign_id not in known or known[campaign_id] == state:
            continue
        clock = clocks_of_campaign(told, campaign_id)[-1]
        occurred, came = (datetime.fromisoformat(part) for part in clock.split("|")[:2])
        came = received.get(clock, came) + _TICK
        id = event_id("Campaign_Contact", fact["row_id"], "last_state")
        made.append({
            "contact_id": person.contact["id"], "state": state, "category": None,
            "created_at": occurred, "occurred_at": occurred, "event_id": id, "revision": 0,
            "clock": clock_text(occurred, came, id, 0),
        })  # fmt: skip
    return made


def _folded(facts: Sequence[Raw], wanted: set[int | None]) -> dict[int, str]:
    """The rows that become part of another one: the fold has one for a contact and campaign."""
    last = {row["campaign_id"]: row["row_id"] for row in facts}
    return {
        row["row_id"]: "duplicate" if row["campaign_id"] in wanted else "without_campaign"
        for row in facts
        if row["campaign_id"] not in wanted or last[row["campaign_id"]] != row["row_id"]
    }


def _as_fact(row: Raw) -> Raw:
    dates = {name: iso(moment) for name, moment in row["dates"].items()}
    kept = {key: value for key, value in row.items() if key not in {"row_id", "received"}}
    return kept | {"dates": dumps(dates) if dates else None}


def _clocks(person: Person, seen: datetime) -> list[Raw]:
    """What is known stands against every event from before the contact was last seen."""
    id = person.contact["id"]
    written: list[str] = [key for key, name in COLUMNS.items() if person.contact.get(name)]
    address: dict[str, Any] = person.address or {}
    written += [f"address.{part}" for part in ADDRESS_COLUMNS if address.get(part)]
    clock = clock_text(seen, seen, event_id("Contact", id), 0)
    return [{"contact_id": id, "key": key, "clock": clock} for key in written]
