"""What people changed in Odoo, into the mirror: writes in the order of events, no event.

Nothing here fills the outbox or the ledger, so that no change ever goes back to Odoo.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID, uuid5

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bridge.events.cleaning.phones import clean_phone
from bridge.events.cleaning.text import cut
from bridge.events.clock import parse_iso
from bridge.events.spellings import FUNNEL_DATES
from bridge.mirror.assignments import refold
from bridge.mirror.chunks import insert_rows, rows_by, update_rows
from bridge.mirror.contacts import lock_known, write_values
from bridge.mirror.digests import id_digest
from bridge.mirror.fold import NOBODY, Who
from bridge.mirror.items import Writer, dumps
from bridge.mirror.lookups import Lookups
from bridge.mirror.tables import Advisor, Contact, ContactAssignment

FEED = "odoo"
"""The name of the change feed's cursor."""
NAMESPACE = UUID("0c1fd6d7-4b7e-5b0e-8d0f-6f6b0f0f3b52")
LIMITS = {"first_name": 255, "last_name": 255, "phone": 50, "email": 255}
_NOWHERE: dict[str, Any] = {"odoo_lead_id": None, "odoo_stage": None, "odoo_dates": None,
                            "odoo_active": None}  # fmt: skip


class Change(Protocol):
    """One change of the feed, as `bridge.odoo.feed` reads it."""

    @property
    def manychat_id(self) -> str: ...
    @property
    def lead_id(self) -> int | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def clock(self) -> str: ...
    @property
    def values(self) -> Mapping[str, Any]: ...
    @property
    def stage(self) -> str | None: ...
    @property
    def dates(self) -> Mapping[str, str] | None: ...
    @property
    def active(self) -> bool | None: ...
    @property
    def partner_id(self) -> int | None: ...
    @property
    def partner_active(self) -> bool | None: ...


def answers_of(session: Session, changes: Sequence[Change]) -> dict[int, int]:
    """How often the sync recorded an answer of each contact that these changes concern.

    To be asked before the leads are read: another number later tells of an answer in between.
    """
    return {id: row.odoo_answers for id, row in _concerned(session, changes).items()}


def apply_changes(
    session: Session, changes: Sequence[Change], answers: Mapping[int, int], region: str
) -> bool:
    """Write what people changed; False (nothing written) if `answers` are no longer true.

    Contacts that the mirror does not know are left to the reconciliation. `region`: the country
    of phones without a code.
    """
    known = _concerned(session, changes)
    lock_known(session, [row.manychat_id for row in known.values()])
    known = _concerned(session, changes)
    if {id: row.odoo_answers for id, row in known.items()} != answers:
        return False
    ids = {row.manychat_id: id for id, row in known.items()}
    named = [(ids[change.manychat_id], change) for change in changes if change.manychat_id in ids]
    _write_values(session, named, region)
    _keep_advisors(session, named)
    _stand(session, known, changes)
    refold(session, sorted(known))
    return True


def _concerned(session: Session, changes: Sequence[Change]) -> dict[int, Any]:
    """The contacts that are named, and those whose lead is: merged ones share one."""
    columns = select(Contact.id, Contact.manychat_id, Contact.odoo_lead_id,
                     Contact.odoo_answers, Contact.odoo_told)  # fmt: skip
    digests = {id_digest(change.manychat_id) for change in changes}
    leads = {change.lead_id for change in changes if change.lead_id}
    found = {row.id: row for row in rows_by(session, columns, Contact.manychat_digest, digests)}
    return found | {row.id: row for row in rows_by(session, columns, Contact.odoo_lead_id, leads)}


def _write_values(session: Session, named: Iterable[tuple[int, Change]], region: str) -> None:
    writers: dict[int, list[Writer]] = {}
    for contact_id, change in named:
        said = {key: cleaned(key, change.values[key], region)
                for key in LIMITS if key in change.values}  # fmt: skip
        if said:
            writer = Writer(_event_id(change), change.clock, said)
            writers.setdefault(contact_id, []).append(writer)
    write_values(session, writers, (), Lookups(session, []))


def cleaned(key: str, value: Any, region: str) -> str | None:
    """What a person typed; a phone in the form in which all others stand here."""
    text = str(value).strip() if value else ""
    if key == "phone":
        text = clean_phone(text, region).value or text
    return cut(text, LIMITS[key]) or None


def _keep_advisors(session: Session, named: Iterable[tuple[int, Change]]) -> None:
    facts = {_event_id(change): (contact_id, change) for contact_id, change in named
             if change.kind == "advisors"}  # fmt: skip
    columns = select(ContactAssignment.event_id)
    kept = {row.event_id for row in rows_by(session, columns, ContactAssignment.event_id, facts)}
    people = advisors_of(session, [c.values for id, (_, c) in facts.items() if id not in kept])
    rows = [
        _fact(event_id, contact_id, change, people)
        for event_id, (contact_id, change) in facts.items()
        if event_id not in kept
    ]
    insert_rows(session, ContactAssignment, rows)


def _fact(
    event_id: str, contact_id: int, change: Change, people: Mapping[Any, int]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "contact_id": contact_id,
        "event_id": event_id,
        "revision": 0,
        "clock": change.clock,
        "occurred_at": parse_iso(change.clock.partition("|")[0]),
    }
    for role in ("commercial", "medical"):
        who = who_of(change.values.get(role), people)
        row |= {f"{role}_said": role in change.values, f"{role}_ref": who.ref,
                f"{role}_advisor_id": who.advisor_id}  # fmt: skip
    return row


def who_of(user: Any, people: Mapping[Any, int]) -> Who:
    """The advisor that a user of Odoo is, by id, else by e-mail; else the text to show."""
    if not isinstance(user, Mapping):
        return NOBODY
    email = str(user.get("email") or "")
    ref = email or str(user.get("name") or user.get("odoo_id") or "")
    return Who(cut(ref, 255) or None, people.get(user.get("odoo_id"), people.get(email.lower())))


def advisors_of(session: Session, values: Iterable[Mapping[str, Any]]) -> dict[Any, int]:
    """Advisor ids by Odoo id and by lower e-mail; the oldest where several are alike."""
    users = [user for said in values for user in said.values() if isinstance(user, Mapping)]
    if not users:
        return {}
    odoo_ids = [user["odoo_id"] for user in users if isinstance(user.get("odoo_id"), int)]
    emails = [str(user["email"]).lower() for user in users if user.get("email")]
    rows = session.execute(
        select(Advisor.id, Advisor.odoo_id, Advisor.email)
        .where(or_(Advisor.odoo_id.in_(odoo_ids), func.lower(Advisor.email).in_(emails)))
        .order_by(Advisor.id.desc())
    ).all()
    by_email = {row.email.lower(): row.id for row in rows if row.email}
    return by_email | {row.odoo_id: row.id for row in rows if row.odoo_id is not None}


def _stand(session: Session, known: Mapping[int, Any], changes: Sequence[Change]) -> None:
    """Let each contact's lead and partner stand as they were read; the count tells the sync."""
    standing = _leads_of(known, changes)
    ids = {row.manychat_id: id for id, row in known.items()}
    for change in changes:
        id = ids.get(change.manychat_id)
        if id is not None and (change.kind == "partner" or change.partner_id):
            standing.setdefault(id, {}).update(_partner(change))
    rows = [{"id": id, "odoo_told": known[id].odoo_told + 1} | place
            for id, place in standing.items()]  # fmt: skip
    update_rows(session, Contact, rows)


def _leads_of(known: Mapping[int, Any], changes: Sequence[Change]) -> dict[int, dict[str, Any]]:
    """Where the lead of each contact stands, of those whose lead these changes tell of."""
    leads = {id: row.odoo_lead_id for id, row in known.items()}
    standing: dict[int, dict[str, Any]] = {}
    for change in changes:
        for id in _contacts_of(change, known, leads):
            if change.dates is not None:
                leads[id] = change.lead_id
                standing[id] = _place(change)
            elif change.kind == "deleted" and leads[id] == change.lead_id:
                leads[id] = None
                standing[id] = dict(_NOWHERE)
    return standing


def _partner(change: Change) -> dict[str, Any]:
    # a contact without a partner, and of whom a person told so, is not given another by itself
    return {"odoo_contact_id": change.partner_id,
            "odoo_contact_active": bool(change.partner_active)}  # fmt: skip


def _contacts_of(
    change: Change, known: Mapping[int, Any], leads: Mapping[int, int | None]
) -> Collection[int]:
    return [
        id
        for id, row in known.items()
        if row.manychat_id == change.manychat_id
        or (change.lead_id is not None and leads[id] == change.lead_id)
    ]


def _place(change: Change) -> dict[str, Any]:
    dates = {name: text for name, text in (change.dates or {}).items() if name in FUNNEL_DATES}
    return {"odoo_lead_id": change.lead_id, "odoo_stage": change.stage, "odoo_dates": dumps(dates),
            "odoo_active": change.active}  # fmt: skip


def _event_id(change: Change) -> str:
    """The same for a change that is read again: its contact, its clock and what it is."""
    return str(uuid5(NAMESPACE, f"{change.manychat_id}|{change.clock}|{change.kind}"))
