"""Erasing a person: everything that the mirror holds of them, and the task for Odoo."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, delete, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from bridge.errors import PermanentError
from bridge.events.cleaning.text import clean_id
from bridge.events.spellings import SPELLINGS
from bridge.mirror.chunks import delete_rows
from bridge.mirror.claims import held_until
from bridge.mirror.contacts import lock_contacts
from bridge.mirror.delivery import DeadLetter, Inbox
from bridge.mirror.digests import id_digest
from bridge.mirror.models import owned_tables
from bridge.mirror.quarantine import Quarantine
from bridge.mirror.tables import Contact
from bridge.mirror.tombstones import Erasure, owner_of

_NAMES = "|".join(map(re.escape, SPELLINGS["manychat_id"]))


def erase(session: Session, manychat_id: str, now: datetime) -> dict[str, int]:
    """Delete all that the mirror holds of this contact, known or not; rows deleted by table.

    Leaves a tombstone, and the task for Odoo. What an earlier claim still carries to Odoo is
    waited for. Raises PermanentError (`bad_value`) for an id that no event could carry.
    """
    cleaned = clean_id(manychat_id).value
    if cleaned is None:
        raise PermanentError("bad_value", "manychat_id: no event could carry this id")
    # made if it is missing: so that whoever makes it now waits for us, and sees the tombstone
    contact_id = lock_contacts(session, [cleaned])[cleaned]
    known = _is_known(session, contact_id)
    counts = {table.name: _delete(session, _owner(table) == contact_id, table)
              for table in owned_tables()}  # fmt: skip
    counts["Contact"] = int(known)
    delete_rows(session, Contact.id, [contact_id])
    own = Quarantine.manychat_digest == id_digest(cleaned)
    counts["Quarantine"] = _delete(session, own, cast(Table, Quarantine.__table__))
    counts["Inbox"] = _delete_naming(session, Inbox.envelope, cleaned)
    counts["Dead_Letter"] = _delete_naming(session, DeadLetter.payload, cleaned)
    _bury(session, cleaned, now, held_until(session, contact_id, now))
    return {name: number for name, number in counts.items() if number}


def _is_known(session: Session, contact_id: int) -> bool:
    """Whether the contact was there before we locked it."""
    return any(
        session.execute(
            select(true()).select_from(table).where(_owner(table) == contact_id)
        ).first()
        for table in owned_tables()
    )


def _owner(table: Table) -> ColumnElement[int]:
    return cast("ColumnElement[int]", table.c.contact_id)


def _delete(session: Session, fits: ColumnElement[bool], table: Table) -> int:
    return int(session.execute(delete(table).where(fits)).rowcount)  # type: ignore[attr-defined]


def _delete_naming(session: Session, column: InstrumentedAttribute[str], manychat_id: str) -> int:
    model: Any = column.class_
    found = ids_naming(session, column, manychat_id)
    delete_rows(session, model.id, found)
    return len(found)


def ids_naming(session: Session, column: InstrumentedAttribute[str], manychat_id: str) -> list[int]:
    """The rows whose text holds this contact's body."""
    model: Any = column.class_
    written = json.dumps(manychat_id, ensure_ascii=False)[1:-1]
    # a raw id may have blanks that cleaning joins
    likely = true() if " " in manychat_id else column.contains(written, autoescape=True)
    rows = session.execute(select(model.id, column).where(likely)).all()
    return [id for id, text in rows if _names(text, manychat_id)]


def _names(text: str, manychat_id: str) -> bool:
    """Whether a kept text, whole or broken, is about this contact."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = text
    if isinstance(body, dict) and "payload" in body and "received_at" in body:
        body = body["payload"]
    if isinstance(body, dict) and owner_of(body) == manychat_id:
        return True
    broken = text if not isinstance(body, dict) or "cut" in body else ""
    beside = rf"(?:{_NAMES})\W{{1,12}}{re.escape(manychat_id)}(?!\w)"
    return re.search(beside, broken) is not None


def _bury(session: Session, manychat_id: str, now: datetime, first_try: datetime) -> None:
    own = id_digest(manychat_id)
    stone = session.execute(select(Erasure).where(Erasure.manychat_digest == own)).scalar()
    if stone is None:
        stone = Erasure(manychat_digest=own)
        session.add(stone)
    stone.erased_at = now
    stone.manychat_id = manychat_id
    stone.next_attempt_at = first_try
    stone.attempts, stone.reason, stone.done_at = 0, None, None
    session.flush()


def waiting(session: Session) -> int:
    """How many erasures Odoo has not done yet."""
    count = select(func.count()).select_from(Erasure).where(Erasure.next_attempt_at.is_not(None))
    return session.execute(count).scalar_one()
