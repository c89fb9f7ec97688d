"""A mirror of many contacts, each with history, facts, ledger and outbox; invented people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, String, case, cast, insert, literal, select, text

from bridge.events.clock import clock_text, iso
from bridge.mirror.delivery import Ledger, Outbox
from bridge.mirror.digests import id_digest
from bridge.mirror.tables import (
    Address,
    Campaign,
    CampaignContact,
    Channel,
    Contact,
    ContactAssignment,
    ContactClock,
    ContactState,
)

BEGAN = datetime(2025, 10, 1, 12, tzinfo=UTC)
_WAITING = 50
"""One row in so many waits for Odoo."""


def fill(engine: Engine, contacts: int) -> None:
    """Fill empty tables of the mirror, and let the database gather what it plans by."""
    with engine.begin() as connection:
        connection.execute(insert(Channel), [{"name": f"Canal {n}"} for n in range(1, 9)])
        connection.execute(insert(Campaign), [{"name": f"C {n}"} for n in range(1, 101)])
        connection.execute(insert(Contact), [_contact(n) for n in range(1, contacts + 1)])
        for model, values in _children():
            names = list(values)
            connection.execute(
                insert(model).from_select(names, select(*(values[name] for name in names)))
            )
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _contact(number: int) -> dict[str, Any]:
    manychat_id = f"MC-{number}"
    return {
        "manychat_id": manychat_id,
        "manychat_digest": id_digest(manychat_id),
        "first_name": f"Persona {number}",
        "phone": f"+519{number:08d}",
        "email": f"persona{number}@example.com",
        "channel_id": number % 8 + 1,
        "odoo_sync_status": "success",
        "odoo_lead_id": number,
        "odoo_stage": f"Etapa {number % 13}",
    }


def _children() -> list[tuple[Any, dict[str, Any]]]:
    """Each table's columns as expressions over `Contact`."""
    owner, number = {"contact_id": Contact.id}, cast(Contact.id, String)
    moment = literal(BEGAN, Ledger.__table__.c.occurred_at.type)
    clock = literal(f"{iso(BEGAN)}|") + number
    once = clock_text(BEGAN, BEGAN, "x", 0)
    made: list[tuple[Any, dict[str, Any]]] = [
        (ContactClock, owner | {"key": literal("first_name"), "clock": literal(once)}),
        (Address, owner | {"city": literal("Lima")}),
        (CampaignContact, owner | {"campaign_id": Contact.id % 100 + 1,
                                   "last_state": literal("Nuevo")}),
        (ContactAssignment, owner | {
            "event_id": literal("f-") + number, "revision": literal(0), "clock": clock,
            "occurred_at": moment, "campaign_id": Contact.id % 100 + 1}),
    ]  # fmt: skip
    for turn in range(3):
        event_id = literal(f"l{turn}-") + number
        said = owner | {"event_id": event_id, "revision": literal(0), "clock": clock}
        made += [
            (ContactState, said | {
                "state": literal("Nuevo ") + cast(Contact.id % 40, String),
                "created_at": moment, "occurred_at": moment}),
            (Ledger, said | {
                "type": literal("contact"), "occurred_at": moment, "received_at": moment,
                "mirrored_at": moment, "payload": literal("{}"), "said": literal("{}")}),
            (Outbox, said | {
                "body": literal("{}"), "status": _status(), "created_at": moment,
                "next_attempt_at": _due(moment)}),
        ]  # fmt: skip
    return made


def _status() -> Any:
    waits = Contact.id % _WAITING == 0
    return case((waits, literal("pending")), else_=literal("success"))


def _due(moment: Any) -> Any:
    return case((Contact.id % _WAITING == 0, moment), else_=None)
