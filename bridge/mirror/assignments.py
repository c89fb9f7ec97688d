"""A contact's campaigns: facts kept one an event, and the fold of them all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.events.clock import parse_iso
from bridge.events.spellings import FUNNEL_DATES
from bridge.mirror.chunks import delete_rows, insert_rows, rows_by, update_rows
from bridge.mirror.contacts import Held
from bridge.mirror.fold import NOBODY, Assignment, Fact, clocks_of_campaign, fold_assignments
from bridge.mirror.items import Item, dumps
from bridge.mirror.kept import read_kept
from bridge.mirror.lookups import Lookups
from bridge.mirror.tables import CampaignContact, Contact, ContactAssignment

_FACT_KEYS = frozenset(
    {"campaign", "commercial", "medical", "advisor", "summary", "registered_at", "dates"}
)


def keep_facts(session: Session, items: Iterable[Item], lookups: Lookups) -> None:
    """Keep what each event says about campaign, advisors and summary."""
    rows = [_fact_row(item, lookups) for item in items if _FACT_KEYS & item.said.keys()]
    insert_rows(session, ContactAssignment, rows)


def _fact_row(item: Item, lookups: Lookups) -> dict[str, Any]:
    said = item.said
    registered = said.get("registered_at")
    row = {
        "contact_id": item.contact_id,
        "event_id": item.event.event_id,
        "revision": item.event.revision,
        "clock": item.event.clock,
        "occurred_at": item.event.occurred_at,
        "campaign_id": lookups.campaign(said["campaign"])[0] if said.get("campaign") else None,
        "registered_at": parse_iso(registered) if registered else None,
        # an empty one clears, which "nothing was said" does not
        "summary": "" if said.get("summary") is False else said.get("summary"),
        "dates": dumps(said["dates"]) if said.get("dates") else None,
    }
    advisors = lookups.advisors(said)
    for role in ("commercial", "medical"):
        who = lookups.who(ref) if (ref := advisors.get(role)) else NOBODY
        row[f"{role}_said"] = role in advisors
        row[f"{role}_ref"], row[f"{role}_advisor_id"] = who
    return row


def refold(session: Session, contact_ids: Sequence[int]) -> None:
    """Bring the contacts' `Campaign_Contact` rows to what their facts and Odoo's answer say."""
    columns = select(Contact.id, Contact.odoo_sync_status, Contact.odoo_dates, Contact.odoo_stage)
    contacts = [Held(*row) for row in rows_by(session, columns, Contact.id, contact_ids)]
    refold_held(session, contacts, read_kept(session, contact_ids).facts)


def refold_held(
    session: Session, contacts: Sequence[Held], facts: Mapping[int, Sequence[Fact]]
) -> None:
    """`refold` of contacts that are locked, with their facts by contact id."""
    wanted: dict[tuple[int, int | None], dict[str, Any]] = {}
    for held in contacts:
        dates = json.loads(held.dates or "{}")
        moments = {name: parse_iso(text) for name, text in dates.items()}
        folded = fold_assignments(facts.get(held.id, []), moments, held.stage)
        wanted |= {(held.id, a.campaign_id): _row(held.id, a, held.status) for a in folded}
    known = [held.id for held in contacts if not held.is_new]
    _bring(session, _read_rows(session, known), wanted)


def clocks_of(session: Session, contact_id: int, campaign_id: int | None) -> list[str]:
    """The clocks of the contact's facts that fold into this campaign."""
    facts = read_kept(session, [contact_id]).facts
    return clocks_of_campaign(facts.get(contact_id, []), campaign_id)


def _row(contact_id: int, assignment: Assignment, status: str) -> dict[str, Any]:
    commercial, medical = assignment.commercial or NOBODY, assignment.medical or NOBODY
    return {
        "contact_id": contact_id,
        "campaign_id": assignment.campaign_id,
        "commercial_advisor_id": commercial.advisor_id,
        "commercial_advisor_ref": None if commercial.advisor_id else commercial.ref,
        "medical_advisor_id": medical.advisor_id,
        "medical_advisor_ref": None if medical.advisor_id else medical.ref,
        "registration_date": assignment.registration_date,
        "last_state": assignment.last_state,
        "lead_state": assignment.lead_state,
        "summary": assignment.summary,
        "sync_status": status,
        **{name: assignment.dates.get(name) for name in FUNNEL_DATES},
    }


def _read_rows(session: Session, contact_ids: Sequence[int]) -> dict[Any, dict[str, Any]]:
    """The rows as they stand, by contact and campaign."""
    columns = select(*CampaignContact.__table__.columns)
    rows = rows_by(session, columns, CampaignContact.contact_id, contact_ids)
    return {(row.contact_id, row.campaign_id): dict(row._mapping) for row in rows}


def _bring(
    session: Session, kept: Mapping[Any, Mapping[str, Any]], wanted: Mapping[Any, dict[str, Any]]
) -> None:
    gone = [row["id"] for key, row in kept.items() if key not in wanted]
    delete_rows(session, CampaignContact.id, gone)
    same_keys = [key for key in wanted if key in kept]
    changed = [wanted[key] | {"id": kept[key]["id"]} for key in same_keys]
    changed = [row for key, row in zip(same_keys, changed, strict=True) if row != kept[key]]
    update_rows(session, CampaignContact, changed)
    new = [row for key, row in wanted.items() if key not in kept]
    insert_rows(session, CampaignContact, new)
