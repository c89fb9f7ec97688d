"""Claims on the outbox: who sends whose events to Odoo, over all workers and machines.

Contacts are spread over slots, each with a lease row. A claimer holds the slots of all contacts
it has events of, so a contact is with one claimer at a time, and its backlog goes in one call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from bridge.events.clock import parse_iso
from bridge.mirror.chunks import insert_rows, rows_by
from bridge.mirror.delivery import Lease, Outbox
from bridge.mirror.tables import Contact
from bridge.mirror.tombstones import Erasure

SLOTS = 64
_PREFIX = "crm-"
_LOOK_AHEAD = 4
"""Rows that are looked at, for each that is wanted, to find the contacts that wait longest."""


@dataclass(frozen=True)
class OutboxRow:
    """One claimed event; `body` is the JSON text that `manychat_sync` takes.

    `told`: how often the change feed had told of the contact's lead when it was claimed.
    """

    id: int
    event_id: str
    revision: int
    contact_id: int
    manychat_id: str
    clock: str
    body: str
    attempts: int
    created_at: datetime
    told: int = 0

    @property
    def received_at(self) -> datetime:
        """When the event arrived; its clock carries it."""
        return parse_iso(self.clock.split("|")[1])


def is_due(session: Session, now: datetime) -> bool:
    """Whether any row waits; cheap, and takes no lock."""
    # without an order PostgreSQL may read the whole table until it meets one
    due = select(Outbox.id).where(Outbox.next_attempt_at <= now)
    due = due.order_by(Outbox.next_attempt_at).limit(1)
    return session.execute(due).first() is not None


def claim(
    session: Session, holder: str, limit: int, now: datetime, lease_seconds: float
) -> list[OutboxRow]:
    """At most `limit` due rows of contacts that nobody else has claimed.

    Contacts whose events wait longest come first, each with all its due events. The claim lasts
    `lease_seconds`, unless it is renewed or released.
    """
    leases = _leases(session)
    others = {slot for slot, (by, until) in leases.items() if by and by != holder and until > now}
    waiting = _waiting(session, others, limit, now)
    if not waiting:
        return []
    wanted = _slots_of(waiting, limit)
    _make_missing(session, set(wanted) - leases.keys(), now)
    ours = _take(session, wanted, holder, now, lease_seconds)
    contacts = _contacts_in(waiting, ours, limit)
    return _rows_of(session, contacts, now)[:limit]


def renew(session: Session, holder: str, now: datetime, lease_seconds: float) -> int:
    """Make the claim last `lease_seconds` from now; how many slots are still this holder's."""
    kept = session.execute(
        update(Lease)
        .where(Lease.name.startswith(_PREFIX), Lease.holder == holder)
        .values(until=now + timedelta(seconds=lease_seconds))
    )
    return int(kept.rowcount)  # type: ignore[attr-defined]


def release(session: Session, holder: str) -> None:
    """Let others claim what this holder has."""
    session.execute(
        update(Lease)
        .where(Lease.name.startswith(_PREFIX), Lease.holder == holder)
        .values(holder=None)
    )


def held_until(session: Session, contact_id: int, now: datetime) -> datetime:
    """When a claim that may hold events of this contact has run out; now, without any."""
    lease = session.get(Lease, _name(contact_id % SLOTS))
    return max(now, lease.until) if lease and lease.holder else now


def _leases(session: Session) -> dict[int, tuple[str | None, datetime]]:
    columns = select(Lease.name, Lease.holder, Lease.until).where(Lease.name.startswith(_PREFIX))
    return {int(name.removeprefix(_PREFIX)): (holder, until)
            for name, holder, until in session.execute(columns)}  # fmt: skip


def _waiting(session: Session, others: Collection[int], limit: int, now: datetime) -> list[int]:
    """The contact ids of the rows that are due longest, one a row."""
    rows = (
        select(Outbox.contact_id)
        .where(Outbox.next_attempt_at <= now)
        .order_by(Outbox.next_attempt_at, Outbox.id)
        .limit(limit * _LOOK_AHEAD)
    )
    if others:
        rows = rows.where((Outbox.contact_id % SLOTS).not_in(sorted(others)))
    return list(session.execute(rows).scalars())


def _slots_of(contacts: Iterable[int], limit: int) -> list[int]:
    """As few slots as hold `limit` of these rows, so that other claimers find some, too."""
    rows = Counter(contact_id % SLOTS for contact_id in contacts)
    chosen, found = [], 0
    for slot, count in rows.items():  # in the order in which they wait
        if found >= limit:
            break
        chosen.append(slot)
        found += count
    return chosen


def _make_missing(session: Session, slots: Collection[int], now: datetime) -> None:
    # two that make a row together meet at the primary key; the loser's transaction fails
    rows = [{"name": _name(slot), "holder": None, "until": now} for slot in sorted(slots)]
    insert_rows(session, Lease, rows)


def _take(
    session: Session, slots: Collection[int], holder: str, now: datetime, seconds: float
) -> set[int]:
    """Those of the slots whose leases are ours now."""
    names = [_name(slot) for slot in sorted(slots)]
    free = or_(Lease.holder == holder, Lease.holder.is_(None), Lease.until <= now)
    session.execute(
        update(Lease)
        .where(Lease.name.in_(names), free)
        .values(holder=holder, until=now + timedelta(seconds=seconds))
    )
    ours = select(Lease.name).where(Lease.name.in_(names), Lease.holder == holder)
    return {int(name.removeprefix(_PREFIX)) for name in session.execute(ours).scalars()}


def _name(slot: int) -> str:
    return f"{_PREFIX}{slot:02d}"


def _contacts_in(waiting: Iterable[int], slots: Collection[int], limit: int) -> list[int]:
    """The contacts of these slots, those first that wait longest, up to `limit` rows."""
    chosen, found = [], 0
    for contact_id, count in Counter(waiting).items():
        if found >= limit:
            break
        if contact_id % SLOTS in slots:
            chosen.append(contact_id)
            found += count
    return chosen


def _rows_of(session: Session, contacts: list[int], now: datetime) -> list[OutboxRow]:
    """All due rows of these contacts, contact after contact.

    Who comes back after an erasure waits until Odoo has done it: it would erase the new lead.
    """
    owed = select(Erasure.id).where(
        Erasure.manychat_digest == Contact.manychat_digest, Erasure.next_attempt_at.is_not(None)
    )
    columns = (
        select(
            Outbox.id, Outbox.event_id, Outbox.revision, Outbox.contact_id, Contact.manychat_id,
            Outbox.clock, Outbox.body, Outbox.attempts, Outbox.created_at, Contact.odoo_told,
        )
        .join(Contact, Contact.id == Outbox.contact_id)
        .where(Outbox.next_attempt_at <= now, ~owed.exists())
    )  # fmt: skip
    place = {contact_id: number for number, contact_id in enumerate(contacts)}
    rows = [OutboxRow(*row) for row in rows_by(session, columns, Outbox.contact_id, contacts)]
    return sorted(rows, key=lambda row: (place[row.contact_id], row.id))
