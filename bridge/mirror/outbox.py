"""The outbox: events on their way to Odoo, written in the transaction that mirrors them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from bridge.events.clock import iso
from bridge.events.spellings import FUNNEL_DATES
from bridge.mirror.assignments import refold
from bridge.mirror.chunks import execute_by, insert_rows, rows_by, update_rows
from bridge.mirror.claims import OutboxRow
from bridge.mirror.contacts import Held, lock_known
from bridge.mirror.delivery import ERROR, PENDING, SUCCESS, Outbox
from bridge.mirror.items import GUESSED, Item, dumps
from bridge.mirror.lookups import Lookups
from bridge.mirror.tables import Contact

REJECTED = "rejected"
_FIRST_RETRY = {PENDING: timedelta(seconds=15), ERROR: timedelta(minutes=1)}
_LONGEST_RETRY = timedelta(hours=6)
_GROWTH = 4
_REASON_LIMIT = 255


def add(session: Session, items: Sequence[Item], lookups: Lookups, now: datetime) -> None:
    """Put new events into the outbox, and set their contacts' statuses."""
    put(session, items, lookups, now)
    update_statuses(session, {item.contact_id for item in items})


def put(session: Session, items: Sequence[Item], lookups: Lookups, now: datetime) -> None:
    """Put new events into the outbox; a higher revision takes its event's row over."""
    insert_rows(session, Outbox, [_row(item, lookups, now) for item in items if not item.known])
    mended = [_row(item, lookups, now) for item in items if item.known]
    update_rows(session, Outbox, mended, by=["event_id"])


def statuses_of_waiting(
    session: Session, contacts: Iterable[Held], items: Iterable[Item]
) -> dict[int, str]:
    """What `update_statuses` would set for locked contacts of which each has new events here.

    One that had no error has none now; one whose errors may have been mended is looked at.
    """
    failed = {held.id for held in contacts if held.status == ERROR}
    mended = failed & {item.contact_id for item in items if item.known}
    columns = select(Outbox.contact_id).where(Outbox.status == ERROR)
    still = {row[0] for row in rows_by(session, columns, Outbox.contact_id, mended)}
    failed = failed - mended | still
    return {held.id: ERROR if held.id in failed else PENDING for held in contacts}


def record_results(
    session: Session,
    rows: Sequence[OutboxRow],
    results: Iterable[Mapping[str, Any]],
    now: datetime,
    *,
    max_attempts: int = 5,
    spread: float = 1.0,
) -> None:
    """Keep what `manychat_sync` answered (dicts of its results) to these claimed rows.

    A row that a higher revision took over meanwhile stays pending: its answer is still to come.
    So does one of a contact whose lead was heard of otherwise since it was claimed: which of the
    two is newer, Odoo tells when it is asked again.
    A rejected one is tried again after waits that grow, up to `max_attempts`; then it is parked.
    `spread` (0 to 1) shortens a wait by up to a half, so that a crowd does not come back at once.
    """
    lock_known(session, {row.manychat_id for row in rows})
    answers = {result["event_id"]: result for result in results}
    counts = _counts(session, rows)
    held = _not_crossed(_held(session, rows), counts)
    answered = [(row, answers[row.event_id]) for row in held]
    again = _Again(now, max_attempts, spread)
    values = [{"id": row.id} | _values_of(answer, row.attempts, again)
              for row, answer in answered]  # fmt: skip
    update_rows(session, Outbox, values)
    leads = {row.contact_id: _lead(answer, counts[row.contact_id][0]) for row, answer in answered
             if answer["lead_id"]}  # fmt: skip
    update_rows(session, Contact, [{"id": id} | lead for id, lead in leads.items()])
    _settle(session, rows)


def record_failure(
    session: Session,
    rows: Sequence[OutboxRow],
    reason: str,
    now: datetime,
    *,
    max_attempts: int = 5,
    spread: float = 1.0,
) -> None:
    """Note that these rows' call failed on its own account: later again, or parked."""
    lock_known(session, {row.manychat_id for row in rows})
    again = _Again(now, max_attempts, spread)
    values = [{"id": row.id} | again.after(PENDING, row.attempts, reason)
              for row in _held(session, rows)]  # fmt: skip
    update_rows(session, Outbox, values)
    _settle(session, rows)


def update_statuses(session: Session, contact_ids: Iterable[int]) -> None:
    """Set each contact's status to the worst of its unfinished rows, `success` without any."""
    rank = case((Outbox.status == ERROR, 2), (Outbox.status != SUCCESS, 1), else_=0)
    # not EXISTS: PostgreSQL would gather the whole backlog to find the few rows of these
    ranks = select(func.max(rank)).where(Outbox.contact_id == Contact.id).scalar_subquery()
    worst = case({2: ERROR, 1: PENDING}, value=ranks, else_=SUCCESS)
    # most keep theirs, and a row written for nothing costs as much as any
    statement = update(Contact).where(Contact.odoo_sync_status != worst)
    execute_by(session, statement.values(odoo_sync_status=worst), Contact.id, set(contact_ids))


def _settle(session: Session, rows: Sequence[OutboxRow]) -> None:
    """Bring the contacts of these rows to what their outbox and Odoo's answers say now."""
    touched = sorted({row.contact_id for row in rows})
    update_statuses(session, touched)
    refold(session, touched)


def _held(session: Session, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """The rows that still wait with the revision that was claimed.

    Another claimer may have finished a row meanwhile, if ours had run out.
    """
    columns = select(Outbox.id, Outbox.revision).where(Outbox.next_attempt_at.is_not(None))
    now_at = dict(tuple(row) for row in rows_by(session, columns, Outbox.id, [r.id for r in rows]))
    return [row for row in rows if now_at.get(row.id) == row.revision]


def _not_crossed(
    rows: Sequence[OutboxRow], counts: Mapping[int, tuple[int, int]]
) -> list[OutboxRow]:
    """The rows of contacts of whose lead the change feed told nothing since the claim."""
    return [row for row in rows if counts[row.contact_id][1] == row.told]


def _counts(session: Session, rows: Sequence[OutboxRow]) -> dict[int, tuple[int, int]]:
    """How many answers of the sync, and of the feed, each contact's lead had."""
    columns = select(Contact.id, Contact.odoo_answers, Contact.odoo_told)
    ids = {row.contact_id for row in rows}
    return {id: (answers, told) for id, answers, told in rows_by(session, columns, Contact.id, ids)}


def _values_of(answer: Mapping[str, Any], attempts: int, again: _Again) -> dict[str, Any]:
    if answer["status"] == REJECTED:
        status = PENDING if answer["retryable"] else ERROR
        reason = answer.get("message") or REJECTED
        return again.after(status, attempts, reason) | {"outcome": REJECTED}
    return {"status": SUCCESS, "outcome": answer["status"], "reason": None, "parked": False,
            "unmapped": answer["unmapped"], "synced_at": again.now,
            "next_attempt_at": None}  # fmt: skip


class _Again(NamedTuple):
    """When a row that failed is tried again."""

    now: datetime
    max_attempts: int
    spread: float

    def after(self, status: str, attempts: int, reason: str) -> dict[str, Any]:
        """The columns of a row that failed after `attempts` earlier ones."""
        spent = attempts + 1 >= self.max_attempts
        wait = min(_FIRST_RETRY[status] * _GROWTH ** min(attempts, 10), _LONGEST_RETRY)
        return {
            "status": ERROR if spent else status,
            "parked": spent,
            "reason": reason[:_REASON_LIMIT],
            "attempts": attempts + 1,
            "next_attempt_at": None if spent else self.now + wait * (0.5 + self.spread / 2),
        }


def _lead(answer: Mapping[str, Any], answers: int) -> dict[str, Any]:
    """The contact's columns that come from its lead."""
    dates = {name: text for name, text in answer["dates"].items() if name in FUNNEL_DATES}
    lead = {"odoo_lead_id": answer["lead_id"], "odoo_stage": answer["stage"],
            "odoo_dates": dumps(dates), "odoo_answers": answers + 1}  # fmt: skip
    if answer["status"] in {"created", "updated"}:
        lead["odoo_active"] = None
    # absent where leads alone are synced: then only the feed tells of partners
    if answer.get("partner_id"):
        lead["odoo_contact_id"] = answer["partner_id"]
    return lead


def _row(item: Item, lookups: Lookups, now: datetime) -> dict[str, Any]:
    return {
        "event_id": item.event.event_id,
        "revision": item.event.revision,
        "contact_id": item.contact_id,
        "clock": item.event.clock,
        "body": _body(item, lookups),
        "status": PENDING,
        "parked": False,
        "unmapped": False,
        "outcome": None,
        "reason": None,
        "attempts": 0,
        # not by the clock of one machine alone: one that is fast would hide the row from others
        "next_attempt_at": min(now, item.event.received_at),
        "created_at": now,
        "synced_at": None,
    }


def _body(item: Item, lookups: Lookups) -> str:
    """The JSON text of one event as `manychat_sync` takes it: references looked up."""
    event = item.event
    body: dict[str, Any] = {
        "event_id": event.event_id,
        "revision": event.revision,
        "type": str(event.type),
        "manychat_id": event.manychat_id,
        "occurred_at": iso(event.occurred_at),
        "received_at": iso(event.received_at),
        "values": _values(item.said, lookups),
    }
    if GUESSED in item.said:
        body[GUESSED] = item.said[GUESSED]
    return dumps(body)


def _values(said: Mapping[str, Any], lookups: Lookups) -> dict[str, Any]:
    ours = {"advisor", "registered_at", "dates", "channel", GUESSED}
    values = {key: value for key, value in said.items() if key not in ours}
    for role, ref in lookups.advisors(said).items():
        values[role] = lookups.person(ref).as_value() if ref else False
    if isinstance(campaign := said.get("campaign"), str):
        id, name = lookups.campaign(campaign)
        values["campaign"] = {"id": id, "name": name}
    if said.get("channel") is False:
        values["channel"] = False
    elif channel := lookups.channel(said.get("channel") or ""):
        values["channel"] = channel[1]
    return values
