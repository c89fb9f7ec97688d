"""Looks at the leads in Odoo itself, as the salesperson, and says what is not as it must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.odoo.client import OdooClient
from devstack.conversation import ExpectedLead
from devstack.odoo_server import OdooServer

FIELDS = ["contact_name", "stage_id", "manychat_id", "manychat_state", "source_id"]


@dataclass(frozen=True)
class Lead:
    """A lead as the salesperson sees it; `states` are the changes of the history tab, in order."""

    id: int
    manychat_id: str
    contact_name: str
    stage: str
    state: str
    channel: str
    states: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"lead {self.id} {self.contact_name} · {self.stage}"


def read_leads(odoo: OdooServer) -> dict[str, list[Lead]]:
    """Every lead that came from ManyChat, by the contact's id."""
    seller = odoo.people.salesperson
    client = OdooClient(odoo.url, odoo.db, seller.login, seller.password)
    rows: list[dict[str, Any]] = client.call(
        "crm.lead", "search_read", [["manychat_id", "!=", False]], FIELDS
    )
    leads: dict[str, list[Lead]] = {}
    for row in rows:
        leads.setdefault(row["manychat_id"], []).append(_lead(client, row))
    return leads


def differences(expected: Sequence[ExpectedLead], leads: dict[str, list[Lead]]) -> list[str]:
    """A sentence for everything that a salesperson would see wrong; empty when all is well."""
    found = []
    for wanted in expected:
        there = leads.get(wanted.manychat_id, [])
        if len(there) != 1:
            found.append(f"{wanted.manychat_id}: {len(there)} leads instead of 1")
            continue
        for name in ("contact_name", "stage", "state", "channel", "states"):
            seen, due = getattr(there[0], name), getattr(wanted, name)
            if seen != due:
                found.append(f"{wanted.manychat_id}: {name} is {seen!r} instead of {due!r}")
    return found


def _lead(client: OdooClient, row: dict[str, Any]) -> Lead:
    history: list[dict[str, Any]] = client.call(
        "manychat.stage.history",
        "search_read",
        [["lead_id", "=", row["id"]], ["changed", "=", True]],
        ["state"],
        order="clock",
    )
    return Lead(
        id=row["id"],
        manychat_id=row["manychat_id"],
        contact_name=row["contact_name"] or "",
        stage=row["stage_id"][1] if row["stage_id"] else "",
        state=row["manychat_state"] or "",
        channel=row["source_id"][1] if row["source_id"] else "",
        states=tuple(entry["state"] for entry in history if entry["state"]),
    )
