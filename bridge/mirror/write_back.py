"""What ManyChat is to be told of its contacts: the newest value of each field, tag and flow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ForeignKey,
    Index,
    UniqueConstraint,
    exists,
    false,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from bridge.mirror.base import Base
from bridge.mirror.chunks import insert_rows, rows_by, update_rows
from bridge.mirror.delivery import ERROR, PENDING, SUCCESS
from bridge.mirror.digests import id_digest
from bridge.mirror.tables import Contact
from bridge.mirror.types import code, digest, typed

FIELD, TAG, FLOW = "field", "tag", "flow"
ON, OFF = "1", ""
"""A tag's values: the contact has it, or not."""
RECORDED, STARTED = "recorded", "started"
"""Statuses beside those of the outbox: noted in a dry run; a flow's start is under way."""
_NAME_LIMIT, _REASON_LIMIT, _VALUE_LIMIT = 255, 255, 2000


class WriteBack(Base):
    """One field, tag or flow of a contact, and the newest value that ManyChat is to have.

    `version` counts the values: an answer to an older one changes nothing. A flow's value is the
    clock of what starts it. `next_attempt_at` is empty once there is nothing more to send.
    """

    __tablename__ = "Write_Back"
    __table_args__ = (
        UniqueConstraint("contact_id", "kind", "name_digest"),
        Index("ix_Write_Back_due", "next_attempt_at", "id", "contact_id"),
        Index("ix_Write_Back_status", "status", "parked"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("Contact.id"))
    kind: Mapped[str] = mapped_column(code(8))
    name: Mapped[str] = mapped_column(typed(_NAME_LIMIT))
    name_digest: Mapped[bytes] = mapped_column(digest())
    value: Mapped[str] = mapped_column(typed())
    version: Mapped[int]
    status: Mapped[str] = mapped_column(code(16))
    parked: Mapped[bool] = mapped_column(default=False, server_default=false())
    reason: Mapped[str | None] = mapped_column(typed(_REASON_LIMIT))
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Wish:
    """A value that a contact's field, tag or flow is to have.

    `always`: to be sent even if it was the last one that was sent: somebody may have changed it
    in ManyChat since.
    """

    contact_id: int
    kind: str
    name: str
    value: str
    always: bool = False


class Due(NamedTuple):
    """A row that is to be sent now."""

    id: int
    version: int
    contact_id: int
    manychat_id: str
    kind: str
    name: str
    value: str
    status: str
    attempts: int


def wish(session: Session, wishes: Iterable[Wish], now: datetime, *, really: bool) -> int:
    """Note what ManyChat is to be told; how many values are new. The contacts are locked.

    Of several wishes for the same thing the last one counts. Not `really`: only recorded.
    """
    newest = {(one.contact_id, one.kind, id_digest(one.name[:_NAME_LIMIT])): one for one in wishes}
    known = _known(session, {contact_id for contact_id, _, _ in newest})
    values = {"status": PENDING if really else RECORDED, "parked": False, "reason": None,
              "attempts": 0, "next_attempt_at": now if really else None,
              "changed_at": now}  # fmt: skip
    new, changed = [], []
    for key, one in newest.items():
        row, value = known.get(key), one.value[:_VALUE_LIMIT]
        if row is None and (value or one.always):
            key_columns = dict(zip(("contact_id", "kind", "name_digest"), key, strict=True))
            new.append({**key_columns, **values, "name": one.name[:_NAME_LIMIT], "value": value,
                        "version": 0, "sent_at": None})  # fmt: skip
        elif row is not None and _is_news(row, one, value, really):
            changed.append({**values, "id": row.id, "value": value, "version": row.version + 1})
    insert_rows(session, WriteBack, new)
    update_rows(session, WriteBack, changed)
    return len(new) + len(changed)


def _known(session: Session, contact_ids: Collection[int]) -> dict[tuple[int, str, bytes], Any]:
    columns = select(
        WriteBack.id, WriteBack.contact_id, WriteBack.kind, WriteBack.name_digest,
        WriteBack.value, WriteBack.version, WriteBack.status,
    )  # fmt: skip
    rows = rows_by(session, columns, WriteBack.contact_id, contact_ids)
    return {(row.contact_id, row.kind, row.name_digest): row for row in rows}


def _is_news(row: Any, one: Wish, value: str, really: bool) -> bool:
    if row.value != value:
        return True
    if one.kind == FLOW:
        return False  # the same move, told once more
    return one.always or (really and row.status in {RECORDED, ERROR})


def is_due(session: Session, now: datetime) -> bool:
    """Whether anything is to be sent; takes no lock."""
    return session.execute(_due_first(now)).first() is not None


def due(session: Session, now: datetime) -> list[Due]:
    """All that is to be sent now of the contact that has waited longest; fields, tags, flows.

    A flow whose fields or tags wait for another try is no reason to take the contact up.
    """
    first = session.execute(_due_first(now)).first()
    if first is None:
        return []
    rows = session.execute(
        select(
            WriteBack.id, WriteBack.version, WriteBack.contact_id, Contact.manychat_id,
            WriteBack.kind, WriteBack.name, WriteBack.value, WriteBack.status, WriteBack.attempts,
        )
        .join(Contact, Contact.id == WriteBack.contact_id)
        .where(WriteBack.contact_id == first.contact_id, WriteBack.next_attempt_at <= now)
        .order_by(WriteBack.id)
    )  # fmt: skip
    order = (FIELD, TAG, FLOW)
    return sorted((Due(*row) for row in rows), key=lambda row: order.index(row.kind))


def _due_first(now: datetime) -> Any:
    return (
        select(WriteBack.next_attempt_at, WriteBack.contact_id)
        .where(WriteBack.next_attempt_at <= now, or_(WriteBack.kind != FLOW, _nothing_before()))
        .order_by(WriteBack.next_attempt_at, WriteBack.id)
        .limit(1)
    )


def _nothing_before() -> Any:
    """No field or tag of the row's contact waits: its flow would read the old values."""
    other = aliased(WriteBack)
    return ~exists().where(
        other.contact_id == WriteBack.contact_id,
        other.kind != FLOW,
        other.next_attempt_at.is_not(None),
    )


def sent(session: Session, rows: Sequence[Due], now: datetime) -> None:
    """ManyChat has these values."""
    _settle(session, rows, status=SUCCESS, sent_at=now, next_attempt_at=None, reason=None)


def starting(session: Session, row: Due, until: datetime) -> bool:
    """A flow is going to be started; False if somebody else is at it, or it changed meanwhile.

    False also while a field or tag of its contact waits. Still so at `until`, whoever was at it
    died: whether the flow started nobody knows then.
    """
    own = (WriteBack.id == row.id, WriteBack.version == row.version, WriteBack.status == PENDING)
    done = session.execute(
        update(WriteBack)
        .where(*own, _nothing_before())
        .values(status=STARTED, next_attempt_at=until)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def later(
    session: Session, rows: Sequence[Due], reason: str, at: datetime, *, attempt: bool
) -> None:
    """These values could not be sent: once more `at` that time; `attempt`: it counts as a try."""
    for row in rows:
        _settle(session, [row], status=PENDING, reason=reason[:_REASON_LIMIT],
                attempts=row.attempts + attempt, next_attempt_at=at)  # fmt: skip


def park(session: Session, row: Due, reason: str) -> None:
    """This value will not be sent any more, unless it changes or a person asks for it."""
    _settle(session, [row], status=ERROR, parked=True, reason=reason[:_REASON_LIMIT],
            attempts=row.attempts + 1, next_attempt_at=None)  # fmt: skip


def _settle(session: Session, rows: Sequence[Due], **values: Any) -> None:
    """Only where no newer value came meanwhile."""
    same = [{"id": row.id, "version": row.version} | values for row in rows]
    update_rows(session, WriteBack, same, by=("id", "version"))


def drop_waiting(session: Session) -> None:
    """Send nothing of what waits: writing back was switched off, or is rehearsed from now on."""
    session.execute(
        update(WriteBack)
        .where(WriteBack.next_attempt_at.is_not(None))
        .values(status=RECORDED, next_attempt_at=None)
    )


def retry_parked(session: Session, now: datetime) -> int:
    """Let what is parked be sent once more, from its first try; how many values that are.

    A flow that may have started already is among them: whoever asks for this has looked.
    """
    done = session.execute(
        update(WriteBack)
        .where(WriteBack.parked, WriteBack.status == ERROR)
        .values(status=PENDING, parked=False, attempts=0, next_attempt_at=now)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def counts(session: Session) -> dict[tuple[str, str | None], int]:
    """How many values there are by status, and by reason where there is one."""
    rows = session.execute(
        select(WriteBack.status, WriteBack.reason, func.count())
        .group_by(WriteBack.status, WriteBack.reason)
        .order_by(WriteBack.status, WriteBack.reason)
    )
    return {(status, reason): count for status, reason, count in rows}
