"""The contacts of a batch: locked, made where they are missing, and their newest values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from bridge.events.clock import parse_iso
from bridge.mirror.chunks import insert_rows, rows_by, update_rows
from bridge.mirror.delivery import PENDING
from bridge.mirror.digests import id_digest
from bridge.mirror.fold import Written, newest
from bridge.mirror.items import GUESSED, Writer
from bridge.mirror.kept import Kept, read_kept
from bridge.mirror.lookups import Lookups
from bridge.mirror.tables import Address, Contact, ContactClock

COLUMNS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "phone": "phone",
    "email": "email",
    "gender": "gender",
    "channel": "channel_id",
    "subscribed_at": "subscription_date",
    "entry_date": "entry_date",
    "initial_state": "initial_state",
}
"""Keys of an event's values that are columns of `Contact`."""

ADDRESS_COLUMNS = ("street", "district", "city", "state", "country")
_PART = "address."

GUESS_PREFIX = "0|"
"""Makes the clock of a guessed value lower than any that somebody wrote."""

PERSON = "person:"
"""The event id in the clock of what a person wrote in Odoo begins so."""


class Held(NamedTuple):
    """A contact that is locked until the commit: its status, and what Odoo said of its lead.

    `dates` is a JSON object. `is_new`: this transaction made it, so nothing else is known of it.
    """

    id: int
    status: str = PENDING
    dates: str | None = None
    stage: str | None = None
    is_new: bool = False


def lock_contacts(session: Session, manychat_ids: Sequence[str]) -> dict[str, int]:
    """Contact ids by ManyChat id, of contacts held as `hold_contacts` does."""
    return {name: held.id for name, held in hold_contacts(session, manychat_ids).items()}


def hold_contacts(session: Session, manychat_ids: Sequence[str]) -> dict[str, Held]:
    """Contacts by ManyChat id; missing ones are made, all are locked until the commit.

    In digest order, so that two writers wait for each other, never in a ring. A contact that
    another writer makes meanwhile raises at the unique digest: the batch is tried again.
    """
    digests = {id_digest(manychat_id): manychat_id for manychat_id in manychat_ids}
    locked = _locked(session, digests)
    missing = sorted(digests.keys() - locked.keys())
    if missing:
        stubs = [{"manychat_id": digests[digest], "manychat_digest": digest,
                  "odoo_sync_status": PENDING} for digest in missing]  # fmt: skip
        table = cast(Table, Contact.__table__)
        statement = insert(table).returning(table.c.manychat_digest, table.c.id)
        locked |= {bytes(digest): Held(id, is_new=True)
                   for digest, id in session.execute(statement, stubs)}  # fmt: skip
    return {digests[digest]: held for digest, held in locked.items()}


def lock_known(session: Session, manychat_ids: Iterable[str]) -> None:
    """Lock contacts until the commit, in the order in which `lock_contacts` does."""
    _locked(session, [id_digest(manychat_id) for manychat_id in manychat_ids])


def clock_event_id(clock: str) -> str:
    """The event id inside a clock."""
    return clock.removeprefix(GUESS_PREFIX).split("|")[2]


def is_persons(clock: str) -> bool:
    """Whether what has this clock was written by a person in Odoo."""
    return clock_event_id(clock).startswith(PERSON)


def _locked(session: Session, digests: Any) -> dict[bytes, Held]:
    statement = (
        select(
            Contact.manychat_digest,
            Contact.id,
            Contact.odoo_sync_status,
            Contact.odoo_dates,
            Contact.odoo_stage,
        )
        .order_by(Contact.manychat_digest)
        .with_for_update()
        # SQL Server has no FOR UPDATE
        .with_hint(Contact, "WITH (UPDLOCK, ROWLOCK)", "mssql")
    )
    return {bytes(row[0]): Held(*row[1:])
            for row in rows_by(session, statement, Contact.manychat_digest, digests)}  # fmt: skip


def writes_of(writer: Writer, lookups: Lookups) -> list[tuple[str, Written]]:
    """One event's writes to columns and address parts; clearing writes None.

    Digits that are no channel's id are junk: they write nothing.
    """
    said = writer.said
    writes = [(key, said[key]) for key in COLUMNS if key in said]
    if said.get("channel") and not lookups.channel(said["channel"]):
        writes = [write for write in writes if write[0] != "channel"]
    address = said.get("address")
    if address is not None:
        parts = address or dict.fromkeys(ADDRESS_COLUMNS)
        writes += [(_PART + part, parts[part]) for part in ADDRESS_COLUMNS if part in parts]
    guessed = said.get(GUESSED, ())
    return [
        (key, Written(value or None, GUESS_PREFIX * (key in guessed) + writer.clock))
        for key, value in writes
    ]


def write_values(
    session: Session,
    writers: Mapping[int, Sequence[Writer]],
    mended: Collection[str],
    lookups: Lookups,
    *,
    kept: Kept | None = None,
    statuses: Mapping[int, str] | None = None,
) -> None:
    """Write the newest values of each contact (id -> the events that may be their writers).

    What an event of `mended` (ids) wrote before stands no more: whoever is the newest among
    `writers` has it now. `kept`: what is known of these contacts, where it was read already;
    `statuses`: sync statuses to write on the way, by contact id.
    """
    kept = kept or read_kept(session, list(writers))
    standing = {
        contact_id: {k: c for k, c in clocks.items() if clock_event_id(c) not in mended}
        for contact_id, clocks in kept.clocks.items()
    }
    winners = {
        contact_id: newest(
            (write for writer in given for write in writes_of(writer, lookups)),
            standing.get(contact_id, {}),
        )
        for contact_id, given in writers.items()
    }
    _write_columns(session, winners, lookups, statuses or {})
    _write_addresses(session, winners, kept.addressed)
    _write_clocks(session, winners, kept.clocks)


def _write_clocks(
    session: Session,
    winners: Mapping[int, Mapping[str, Written]],
    known: Mapping[int, Mapping[str, str]],
) -> None:
    new: list[dict[str, Any]] = []
    old: list[dict[str, Any]] = []
    for contact_id, writes in winners.items():
        for key, write in writes.items():
            row = {"contact_id": contact_id, "key": key, "clock": write.clock}
            (old if key in known.get(contact_id, {}) else new).append(row)
    insert_rows(session, ContactClock, new)
    update_rows(session, ContactClock, old, by=["contact_id", "key"])


def _write_columns(
    session: Session,
    winners: Mapping[int, Mapping[str, Written]],
    lookups: Lookups,
    statuses: Mapping[int, str],
) -> None:
    rows = [
        {"id": contact_id}
        | {COLUMNS[key]: _column_value(key, write.value, lookups)
           for key, write in writes.items() if key in COLUMNS}
        | ({"odoo_sync_status": statuses[contact_id]} if contact_id in statuses else {})
        for contact_id, writes in winners.items()
    ]  # fmt: skip
    update_rows(session, Contact, [row for row in rows if len(row) > 1])


def _column_value(key: str, value: Any, lookups: Lookups) -> Any:
    if value is None:
        return None
    if key == "channel":
        channel = lookups.channel(value)
        return channel and channel[0]
    return parse_iso(value) if key in {"subscribed_at", "entry_date"} else value


def _write_addresses(
    session: Session, winners: Mapping[int, Mapping[str, Written]], known: Collection[int]
) -> None:
    parts = {
        contact_id: {key.removeprefix(_PART): write.value
                     for key, write in writes.items() if key.startswith(_PART)}
        for contact_id, writes in winners.items()
    }  # fmt: skip
    rows = [{"contact_id": contact_id} | row for contact_id, row in parts.items() if row]
    old = [row for row in rows if row["contact_id"] in known]
    update_rows(session, Address, old, by=["contact_id"])
    empty = dict.fromkeys(ADDRESS_COLUMNS)
    new = [empty | row for row in rows if row["contact_id"] not in known]
    insert_rows(session, Address, new)
