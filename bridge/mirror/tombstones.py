"""Tombstones: what is known of erased persons, so that nothing old brings them back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bridge.events.cleaning.text import clean_id
from bridge.events.envelope import Envelope
from bridge.events.event import Event
from bridge.events.spellings import spelled
from bridge.mirror.base import Base
from bridge.mirror.chunks import delete_rows, rows_by
from bridge.mirror.digests import id_digest
from bridge.mirror.models import owned_tables
from bridge.mirror.tables import Contact
from bridge.mirror.types import digest, typed

Pair = tuple[Event, Envelope]


class Erasure(Base):
    """The tombstone of an erased person: what was received up to `erased_at` is dropped.

    `manychat_id` stays only until Odoo has erased, too; then the digest is all there is.
    `next_attempt_at` is empty when there is nothing more to do.
    """

    __tablename__ = "Erasure"

    id: Mapped[int] = mapped_column(primary_key=True)
    manychat_digest: Mapped[bytes] = mapped_column(digest(), unique=True)
    erased_at: Mapped[datetime]
    manychat_id: Mapped[str | None] = mapped_column(typed(255))
    next_attempt_at: Mapped[datetime | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(typed(255))
    done_at: Mapped[datetime | None]


def without_erased(
    session: Session, pairs: Sequence[Pair], until: Mapping[bytes, datetime]
) -> list[Pair]:
    """The pairs that were not received before their contact's erasure (`until`, by digest).

    Called with the contacts locked; a contact that was made for dropped events alone goes again.
    """
    if not until:
        return list(pairs)
    left = [
        pair for pair in pairs if not _is_dropped(pair[0].manychat_id, pair[0].received_at, until)
    ]
    alive = {id_digest(event.manychat_id) for event, _ in left}
    _forget_stubs(session, until.keys() - alive)
    return left


def letters_without_erased(session: Session, letters: Sequence[Envelope]) -> list[Envelope]:
    """The dead letters that hold nothing of a person who was erased after they came."""
    owners = [owner_of(letter.payload) for letter in letters]
    until = _until(session, {id_digest(owner) for owner in owners if owner})
    return [letter for letter, owner in zip(letters, owners, strict=True)
            if not (owner and _is_dropped(owner, letter.received_at, until))]  # fmt: skip


def owner_of(payload: Any) -> str | None:
    """The ManyChat id that a body is about, as events carry it; None without one."""
    if not isinstance(payload, dict):
        return None
    ids = (clean_id(raw).value for _, raw in spelled(payload, "manychat_id"))
    return next((found for found in ids if found), None)


def _until(session: Session, digests: Collection[bytes]) -> dict[bytes, datetime]:
    columns = select(Erasure.manychat_digest, Erasure.erased_at)
    return {bytes(row[0]): row[1]
            for row in rows_by(session, columns, Erasure.manychat_digest, digests)}  # fmt: skip


def _is_dropped(manychat_id: str, received_at: datetime, until: Mapping[bytes, datetime]) -> bool:
    erased_at = until.get(id_digest(manychat_id))
    return erased_at is not None and received_at <= erased_at


def _forget_stubs(session: Session, digests: Iterable[bytes]) -> None:
    used = [select(table.c.contact_id).where(table.c.contact_id == Contact.id).exists()
            for table in owned_tables()]  # fmt: skip
    unused = select(Contact.id).where(~or_(*used))
    stubs = [row.id for row in rows_by(session, unused, Contact.manychat_digest, list(digests))]
    delete_rows(session, Contact.id, stubs)
