"""What Odoo knows newer, into the mirror: as the change feed would have brought it.

Values and advisors keep their clocks, so that whatever comes later finds the same order. Nothing
here fills the outbox or the ledger: it never goes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.events.clock import parse_iso
from bridge.mirror import feedback, telling
from bridge.mirror.assignments import refold
from bridge.mirror.chunks import insert_rows, rows_by, update_rows
from bridge.mirror.contacts import (
    ADDRESS_COLUMNS,
    COLUMNS,
    GUESS_PREFIX,
    lock_contacts,
    write_values,
)
from bridge.mirror.items import GUESSED, Writer, dumps
from bridge.mirror.lookups import Lookups
from bridge.mirror.outbox import update_statuses
from bridge.mirror.standing import FACT_KEYS, Mirrored, standing_of
from bridge.mirror.tables import Contact, ContactAssignment, ContactState

ROLES = ("commercial", "medical")
_PART = "address."
_COLUMNS = ("campaign_id", "registered_at", "commercial_ref", "commercial_advisor_id",
            "medical_ref", "medical_advisor_id", "summary", "dates", "lead_state")  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """One contact as Odoo has it; `values` by key with the clock of their writer, `states` as
    (state, category, clock). `seen` is how the mirror stood when Odoo was asked, if it knew it.
    """

    manychat_id: str
    lead_id: int
    stage: str | None
    dates: Mapping[str, str]
    active: bool
    partner_id: int | None
    seen: Mirrored | None
    values: Mapping[str, tuple[Any, str]] = field(default_factory=dict, repr=False)
    states: Sequence[tuple[str, str | None, str]] = field(default_factory=tuple, repr=False)


def take(session: Session, taken: Sequence[Taken], region: str, now: datetime) -> frozenset[str]:
    """Write what Odoo knows newer of these contacts; the ManyChat ids of those that were.

    A contact that moved since it was looked at is left as it is: the next comparison sees it.
    Missing ones are made. `region`: the country of phones without a code.
    """
    ids = lock_contacts(session, sorted({one.manychat_id for one in taken}))
    now_here = standing_of(session, ids)
    still = [one for one in taken if _stands(one, now_here[one.manychat_id])]
    _write_values(session, still, ids, region)
    _keep_facts(session, still, ids)
    _keep_states(session, still, ids, now)
    _place(session, still, now_here)
    touched = sorted(ids[one.manychat_id] for one in still)
    update_statuses(session, touched)
    refold(session, touched)
    telling.note_answers(session, touched, now)
    return frozenset(one.manychat_id for one in still)


def _stands(one: Taken, here: Mirrored) -> bool:
    """Whether the contact is as it was when Odoo was asked; a missing one is still bare."""
    if one.seen is None:
        return not here.values and here.state is None and here.lead_id is None and not here.told
    return here == one.seen


def _write_values(
    session: Session, taken: Sequence[Taken], ids: Mapping[str, int], region: str
) -> None:
    writers: dict[int, list[Writer]] = {}
    for one in taken:
        for key, (value, clock) in one.values.items():
            if said := _said(key, value, region):
                if clock.startswith(GUESS_PREFIX):
                    said |= {GUESSED: [key]}
                own = clock.removeprefix(GUESS_PREFIX)
                writer = Writer(_event_id(one, own, key), own, said)
                writers.setdefault(ids[one.manychat_id], []).append(writer)
    said_of_all = [writer.said for given in writers.values() for writer in given]
    write_values(session, writers, (), Lookups(session, said_of_all))


def _said(key: str, value: Any, region: str) -> dict[str, Any] | None:
    if key.startswith(_PART) and key.removeprefix(_PART) in ADDRESS_COLUMNS:
        return {"address": {key.removeprefix(_PART): value}}
    if key in feedback.LIMITS:
        return {key: feedback.cleaned(key, value, region)}
    return {key: value} if key in COLUMNS else None


def _keep_facts(session: Session, taken: Sequence[Taken], ids: Mapping[str, int]) -> None:
    said = [one.values for one in taken]
    users = [{role: _user(values[role][0])} for values in said for role in ROLES if role in values]
    people = feedback.advisors_of(session, users)
    names = [{"campaign": name} for values in said if (name := _campaign(values))]
    lookups = Lookups(session, names)
    rows = []
    for one in taken:
        for key in sorted(FACT_KEYS & one.values.keys()):
            value, clock = one.values[key]
            row = dict.fromkeys(_COLUMNS) | {
                "contact_id": ids[one.manychat_id], "event_id": _event_id(one, clock, key),
                "revision": 0, "clock": clock, "occurred_at": _occurred(clock),
                "commercial_said": key == "commercial", "medical_said": key == "medical",
            }  # fmt: skip
            if key in ROLES:
                found = feedback.who_of(_user(value), people)
                row |= {f"{key}_ref": found.ref, f"{key}_advisor_id": found.advisor_id}
            elif key == "campaign" and (name := _campaign(one.values)):
                row["campaign_id"] = lookups.campaign(name)[0]
            elif key == "summary":
                row["summary"] = value or ""
            rows.append(row)
    known = {row.event_id for row in rows_by(
        session, select(ContactAssignment.event_id), ContactAssignment.event_id,
        {row["event_id"] for row in rows})}  # fmt: skip
    fresh = [row for row in rows if row["event_id"] not in known]
    insert_rows(session, ContactAssignment, fresh)


def _user(value: Any) -> Any:
    return value if isinstance(value, Mapping) else None


def _campaign(values: Mapping[str, tuple[Any, str]]) -> str | None:
    value = values.get("campaign", (None, ""))[0]
    return str(value["name"]) if isinstance(value, Mapping) and value.get("name") else None


def _keep_states(
    session: Session, taken: Sequence[Taken], ids: Mapping[str, int], now: datetime
) -> None:
    owners = {ids[one.manychat_id] for one in taken if one.states}
    read = select(ContactState.contact_id, ContactState.clock)
    known = {tuple(row) for row in rows_by(session, read, ContactState.contact_id, owners)}
    rows = [
        {
            "contact_id": ids[one.manychat_id], "state": state, "category": category,
            "created_at": now, "occurred_at": _occurred(clock),
            # not the event's own: the event itself may still come, by a replay
            "event_id": _event_id(one, clock, "state"), "revision": 0, "clock": clock,
        }
        for one in taken
        for state, category, clock in one.states
        if (ids[one.manychat_id], clock) not in known
    ]  # fmt: skip
    insert_rows(session, ContactState, rows)


def _place(session: Session, taken: Sequence[Taken], here: Mapping[str, Mirrored]) -> None:
    rows = [
        {
            "id": here[one.manychat_id].id, "odoo_lead_id": one.lead_id, "odoo_stage": one.stage,
            "odoo_dates": dumps(dict(one.dates)), "odoo_active": one.active,
            "odoo_told": here[one.manychat_id].told + 1,
            "odoo_contact_id": one.partner_id,
        }
        for one in taken
    ]  # fmt: skip
    update_rows(session, Contact, rows)


def _occurred(clock: str) -> datetime:
    return parse_iso(clock.partition("|")[0])


def _event_id(one: Taken, clock: str, what: str) -> str:
    """The same for what is taken again: its contact, its clock and what it is."""
    return str(uuid5(feedback.NAMESPACE, f"{one.manychat_id}|{clock}|taken {what}"))
