"""How contacts stand in the mirror, each value with its clock, for whoever compares them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge.mirror.chunks import rows_by
from bridge.mirror.contacts import ADDRESS_COLUMNS, COLUMNS, GUESS_PREFIX
from bridge.mirror.delivery import Ledger, Outbox
from bridge.mirror.digests import id_digest
from bridge.mirror.tables import (
    Address,
    Advisor,
    Campaign,
    Channel,
    Contact,
    ContactAssignment,
    ContactClock,
    ContactState,
)
from bridge.mirror.tombstones import Erasure

Written = tuple[Any, str]
FACT_KEYS = frozenset({"campaign", "summary", "commercial", "medical"})
"""Keys whose values are folded from facts, not columns of the contact."""
_PART = "address."


@dataclass(frozen=True)
class Mirrored:
    """One contact; `values` by the keys of events, a guess with a clock that begins with `0|`.

    `waits`: something of it is still on its way to Odoo. `answers` and `told` count what was
    heard of its lead, so that two looks tell whether anything moved in between. `partner_told`:
    Odoo told of a partner once, so that none now is what a person wanted.
    """

    id: int
    manychat_id: str
    lead_id: int | None = None
    stage: str | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    active: bool | None = None
    partner_id: int | None = None
    partner_told: bool = False
    answers: int = 0
    told: int = 0
    waits: bool = False
    state: Written | None = None
    values: Mapping[str, Written] = field(default_factory=dict, repr=False)

    @property
    def clocks(self) -> list[str]:
        """The clocks of what stands here."""
        written = [*self.values.values(), *([self.state] if self.state else [])]
        return [clock.removeprefix(GUESS_PREFIX) for _, clock in written]

    @property
    def heard(self) -> str:
        """When the newest of what stands here was received, as clocks say it."""
        return max((clock.split("|")[1] for clock in self.clocks), default="")


def page(session: Session, after: int, limit: int, since: datetime | None) -> list[tuple[int, str]]:
    """Id and ManyChat id of at most `limit` contacts behind `after`, in the order of ids.

    With `since` only those of which an event was mirrored from then on.
    """
    read = select(Contact.id, Contact.manychat_id).where(Contact.id > after)
    if since is not None:
        recent = select(Ledger.contact_id).where(Ledger.mirrored_at >= since)
        read = read.where(Contact.id.in_(recent))
    rows = session.execute(read.order_by(Contact.id).limit(limit))
    return [(row.id, row.manychat_id) for row in rows]


def count(session: Session) -> int:
    """How many contacts there are."""
    return session.execute(select(func.count()).select_from(Contact)).scalar_one()


def standing_of(session: Session, manychat_ids: Collection[str]) -> dict[str, Mirrored]:
    """How these contacts stand, by ManyChat id; unknown ones are left out."""
    digests = {id_digest(manychat_id) for manychat_id in manychat_ids}
    read = (
        select(*Contact.__table__.columns, Channel.name.label("channel"))
        .join(Channel, Channel.id == Contact.channel_id, isouter=True)
    )  # fmt: skip
    rows = {row.id: row for row in rows_by(session, read, Contact.manychat_digest, digests)}
    values = _values(session, rows)
    states = _states(session, list(rows))
    waiting = select(Outbox.contact_id).where(Outbox.next_attempt_at.is_not(None)).distinct()
    waits = {row.contact_id for row in rows_by(session, waiting, Outbox.contact_id, rows)}
    return {
        row.manychat_id: Mirrored(
            id=id, manychat_id=row.manychat_id, lead_id=row.odoo_lead_id, stage=row.odoo_stage,
            dates=json.loads(row.odoo_dates or "{}"), active=row.odoo_active,
            partner_id=row.odoo_contact_id, partner_told=row.odoo_contact_active is not None,
            answers=row.odoo_answers, told=row.odoo_told,
            waits=id in waits, state=states.get(id), values=values[id],
        )
        for id, row in rows.items()
    }  # fmt: skip


def erased_of(session: Session, manychat_ids: Collection[str]) -> dict[str, bool]:
    """Those of these contacts that were erased; whether Odoo still has to do it."""
    digests = {id_digest(manychat_id): manychat_id for manychat_id in manychat_ids}
    read = select(Erasure.manychat_digest, Erasure.next_attempt_at)
    return {digests[bytes(row[0])]: row[1] is not None
            for row in rows_by(session, read, Erasure.manychat_digest, digests)}  # fmt: skip


def _values(session: Session, rows: Mapping[int, Any]) -> dict[int, dict[str, Written]]:
    parts = {row.contact_id: row for row in rows_by(
        session, select(*Address.__table__.columns), Address.contact_id, rows)}  # fmt: skip
    found: dict[int, dict[str, Written]] = {id: {} for id in rows}
    read = select(ContactClock.contact_id, ContactClock.key, ContactClock.clock)
    for id, key, clock in rows_by(session, read, ContactClock.contact_id, rows):
        found[id][key] = _value(rows[id], parts.get(id), key), clock
    for id, key, value, clock in _facts(session, list(rows)):
        if clock > found[id].get(key, (None, ""))[1]:
            found[id][key] = value, clock
    return found


def _value(row: Any, address: Any, key: str) -> Any:
    if key.startswith(_PART):
        part = key.removeprefix(_PART)
        return getattr(address, part, None) if part in ADDRESS_COLUMNS else None
    return getattr(row, key if key == "channel" else COLUMNS.get(key, ""), None)


def _facts(session: Session, ids: Sequence[int]) -> list[tuple[int, str, Any, str]]:
    """What each fact says of campaign, advisors and summary, with its clock."""
    read = (
        select(*ContactAssignment.__table__.columns, Campaign.name.label("campaign"))
        .join(Campaign, Campaign.id == ContactAssignment.campaign_id, isouter=True)
    )  # fmt: skip
    facts = list(rows_by(session, read, ContactAssignment.contact_id, ids))
    known = {fact.commercial_advisor_id for fact in facts} | {
        fact.medical_advisor_id for fact in facts}  # fmt: skip
    names = {row.id: row.name for row in rows_by(
        session, select(Advisor.id, Advisor.name), Advisor.id, known - {None})}  # fmt: skip
    said: list[tuple[int, str, Any, str]] = []
    for fact in facts:
        if fact.campaign_id is not None:
            said.append((fact.contact_id, "campaign", fact.campaign, fact.clock))
        if fact.summary is not None:
            said.append((fact.contact_id, "summary", fact.summary or None, fact.clock))
        if fact.commercial_said:
            who = names.get(fact.commercial_advisor_id) or fact.commercial_ref
            said.append((fact.contact_id, "commercial", who, fact.clock))
        if fact.medical_said:
            who = names.get(fact.medical_advisor_id) or fact.medical_ref
            said.append((fact.contact_id, "medical", who, fact.clock))
    return said


def _states(session: Session, ids: Sequence[int]) -> dict[int, Written]:
    """Each contact's newest state; rows that were adopted have no clock, and no say."""
    read = select(ContactState.contact_id, ContactState.state, ContactState.clock)
    read = read.where(ContactState.clock.is_not(None))
    found: dict[int, Written] = {}
    for id, state, clock in rows_by(session, read, ContactState.contact_id, ids):
        if clock > found.get(id, ("", ""))[1]:
            found[id] = state, clock
    return found


def unknown(session: Session, manychat_ids: Sequence[str]) -> list[str]:
    """Those of these ids that no contact has."""
    digests = {id_digest(manychat_id): manychat_id for manychat_id in manychat_ids}
    read = select(Contact.manychat_digest)
    known = {bytes(row[0]) for row in rows_by(session, read, Contact.manychat_digest, digests)}
    return [manychat_id for digest, manychat_id in digests.items() if digest not in known]
