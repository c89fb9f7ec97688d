"""Rows that no contact or no place can be found for: reported, and moved to the quarantine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bridge.events.cleaning.text import clean_id
from bridge.mirror import quarantine
from bridge.mirror.adopt.old import Old, Raw
from bridge.mirror.chunks import MOST_KEYS
from bridge.mirror.digests import id_digest

CHILDREN = ("Contact_State", "Campaign_Contact", "Address")
Found = dict[str, list[int]]
"""Row ids by why they cannot stay."""


def find(old: Old) -> dict[str, Found]:
    """What cannot stay, by table and reason; duplicates of a contact are found by `doubles`."""
    unusable = {id for id, given in _ids(old) if not clean_id(given).value}
    contacts = {id for id, _ in _ids(old)}
    found: dict[str, Found] = {"Contact": {"no_manychat_id": sorted(unusable)}}
    for table in CHILDREN:
        owners = _owners(old, table)
        found[table] = {
            "orphan": [id for id, owner in owners if owner not in contacts],
            "of_no_manychat_id": [id for id, owner in owners if owner in unusable],
        }
    found["Contact_State"]["no_state"] = _silent(old, contacts - unusable)
    found["Address"]["older_address"] = _older(_owners(old, "Address"), contacts - unusable)
    return found


def doubles(old: Old) -> dict[int, list[int]]:
    """Contacts that are one person once their ids are cleaned: the oldest -> the others."""
    same: dict[str, list[int]] = {}
    for id, given in _ids(old):
        if cleaned := clean_id(given).value:
            same.setdefault(cleaned, []).append(id)
    return {ids[0]: ids[1:] for ids in same.values() if len(ids) > 1}


def move(session: Session, table: str, why: str, ids: Sequence[int], now: datetime) -> None:
    """Move rows of `table` into the quarantine: one part of a statement's worth."""
    old = Old(session)
    rows = old.rows(table, id=ids)
    quarantine.keep(session, table, why, rows, now, owners=_whose(old, rows))
    there = old.table(table)
    session.execute(delete(there).where(there.c.id.in_([row["id"] for row in rows])))


def merge(session: Session, kept: int, others: Sequence[int], now: datetime) -> None:
    """Give the oldest contact what the others have, and move those into the quarantine.

    A value of the oldest one stands; what it lacks comes from the newest that has it.
    """
    old = Old(session)
    rows = old.rows("Contact", id=[kept, *others])
    gaps = {
        key: value
        for row in rows[1:]
        for key, value in row.items()
        if key not in {"id", "manychat_id", "manychat_digest"}
        and rows[0][key] is None
        and value is not None
    }
    contact = old.table("Contact")
    if gaps:
        session.execute(update(contact).where(contact.c.id == kept).values(gaps))
    for name in CHILDREN:
        child = old.table(name)
        session.execute(update(child).where(child.c.contact_id.in_(others)).values(contact_id=kept))
    owner = id_digest(clean_id(rows[0]["manychat_id"]).value or "")
    owners = {row["id"]: owner for row in rows}
    quarantine.keep(session, "Contact", "same_manychat_id", rows[1:], now, owners=owners)
    session.execute(delete(contact).where(contact.c.id.in_(others)))


def _whose(old: Old, rows: Sequence[Raw]) -> dict[int, bytes]:
    """The digest of the contact's ManyChat id, by row id, where the contact is there."""
    contacts = {row["contact_id"] for row in rows if row.get("contact_id") is not None}
    ids = {row["id"]: clean_id(row["manychat_id"]).value
           for row in old.rows("Contact", id=contacts)}  # fmt: skip
    found = {row["id"]: ids.get(row.get("contact_id")) for row in rows}
    return {id: id_digest(given) for id, given in found.items() if given}


def parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """As many ids as one statement takes."""
    for start in range(0, len(ids), MOST_KEYS):
        yield ids[start : start + MOST_KEYS]


def _ids(old: Old) -> list[tuple[int, Any]]:
    table = old.table("Contact")
    rows = old.session.execute(select(table.c.id, table.c.manychat_id).order_by(table.c.id))
    return [(row[0], row[1]) for row in rows]


def _owners(old: Old, name: str) -> list[tuple[int, Any]]:
    if name not in old.columns:
        return []
    table = old.table(name)
    rows = old.session.execute(select(table.c.id, table.c.contact_id).order_by(table.c.id))
    return [(row[0], row[1]) for row in rows]


def _silent(old: Old, contacts: Collection[int]) -> list[int]:
    """History rows that tell no state."""
    if "Contact_State" not in old.columns:
        return []
    table = old.table("Contact_State")
    rows = old.session.execute(
        select(table.c.id, table.c.contact_id, table.c.state).order_by(table.c.id)
    )
    return [id for id, owner, state in rows if owner in contacts and not (state or "").strip()]


def _older(owners: Sequence[tuple[int, Any]], contacts: Collection[int]) -> list[int]:
    newest = {owner: id for id, owner in owners}
    return [id for id, owner in owners if owner in contacts and newest[owner] != id]
