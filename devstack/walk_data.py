"""What the walk needs beside the demo data: partners, a merge, an old field to take over."""

from __future__ import annotations

from bridge.odoo.client import OdooClient
from devstack.odoo_server import OdooServer

LEAD = "crm.lead"
OLD_FIELD = "x_manychat_id"
CARMEN, MERGED, SURVIVOR = "demo-107", "demo-102", "demo-103"
OLD_IDS = ("70001", "70002", "70002", "70003", False)


def prepare(odoo: OdooServer) -> None:
    """Make what the screens show, once; the invented people of the demo data are there."""
    admin = _admin(odoo)
    _link_a_partner(admin, _users(admin, [odoo.people.salesperson.login])[0])
    leads = [_lead(admin, manychat_id) for manychat_id in (SURVIVOR, MERGED)]
    admin.call(LEAD, "merge_opportunity", leads)
    _make_old_leads(admin)


def speak(odoo: OdooServer, language: str) -> None:
    """Have everyone who logs in from now on read this language, which is installed."""
    people = odoo.people
    logins = [people.salesperson.login, people.manager.login, people.admin.login]
    admin = _admin(odoo)
    admin.call("res.users", "write", _users(admin, logins), {"lang": language})


def _admin(odoo: OdooServer) -> OdooClient:
    return OdooClient(odoo.url, odoo.db, odoo.admin_login, odoo.admin_password)


def _users(admin: OdooClient, logins: list[str]) -> list[int]:
    found: list[int] = admin.call("res.users", "search", [("login", "in", logins)])
    return found


def _lead(admin: OdooClient, manychat_id: str) -> int:
    [lead] = admin.call(LEAD, "search", [("manychat_id", "=", manychat_id)])
    return int(lead)


def _link_a_partner(admin: OdooClient, salesperson: int) -> None:
    """Give Carmen's lead a partner, and to the salesperson, who else could not open it."""
    partner = admin.call("res.partner", "create", {"name": "Carmen Flores"})
    lead = _lead(admin, CARMEN)
    admin.call(LEAD, "write", [lead], {"partner_id": partner, "user_id": salesperson})
    [campaign] = admin.call(LEAD, "read", [lead], ["campaign_id"])
    for name, model, record in (
        ("contacts-walk", "res.partner", partner),
        ("campaign-walk", "utm.campaign", campaign["campaign_id"][0]),
    ):
        action = {"name": name, "path": name, "res_model": model, "res_id": record}
        admin.call("ir.actions.act_window", "create", {**action, "view_mode": "form"})


def _make_old_leads(admin: OdooClient) -> None:
    [model] = admin.call("ir.model", "search", [("model", "=", LEAD)])
    field = admin.call(
        "ir.model.fields",
        "create",
        {
            "name": OLD_FIELD,
            "field_description": "ManyChat ID (old)",
            "model_id": model,
            "ttype": "char",
        },
    )
    admin.call(
        LEAD,
        "create",
        [
            {"name": f"Lead antiguo {number}", "type": "opportunity", OLD_FIELD: old_id}
            for number, old_id in enumerate(OLD_IDS, 1)
        ],
    )
    take_over = admin.call("manychat.take.over", "create", {"id_field_id": field})
    admin.call("manychat.take.over", "action_count", [take_over])
