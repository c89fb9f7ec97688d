"""All that the mirror holds of one person, for whoever asks what is known of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.orm import Session

from bridge.events.clock import iso
from bridge.mirror.delivery import DeadLetter, Inbox
from bridge.mirror.digests import id_digest
from bridge.mirror.erasures import ids_naming
from bridge.mirror.models import owned_tables
from bridge.mirror.quarantine import Quarantine
from bridge.mirror.tables import Contact

Held = dict[str, list[dict[str, Any]]]
"""Rows by the name of their table, as JSON can hold them; a table without any is left out."""


def held_of(session: Session, manychat_id: str) -> Held:
    """Every row of this contact, in every table that erasing it would empty."""
    digest = id_digest(manychat_id)
    contacts = _rows(session, _table(Contact), _table(Contact).c.manychat_digest == digest)
    held = {"Contact": contacts}
    for table in owned_tables():
        own = table.c.contact_id.in_([contact["id"] for contact in contacts])
        held[table.name] = _rows(session, table, own)
    quarantine = _table(Quarantine)
    held["Quarantine"] = _rows(session, quarantine, quarantine.c.manychat_digest == digest)
    for model, text in ((Inbox, Inbox.envelope), (DeadLetter, DeadLetter.payload)):
        table = _table(model)
        about = table.c.id.in_(ids_naming(session, text, manychat_id))
        held[table.name] = _rows(session, table, about)
    return {name: rows for name, rows in held.items() if rows}


def _table(model: Any) -> Table:
    return cast(Table, model.__table__)


def _rows(session: Session, table: Table, fits: ColumnElement[bool]) -> list[dict[str, Any]]:
    found = session.execute(select(table).where(fits)).mappings()
    return [
        {name: _plain(value) for name, value in row.items() if not isinstance(value, bytes)}
        for row in found
    ]


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value
