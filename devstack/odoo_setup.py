"""What is done inside `odoo shell`: the language, and the people and keys of a stack.

This file's text is piped into Odoo's own interpreter, so it imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

MARK = "devstack-answer:"
COMPANY = "MiaSalud"
SALES = "sales_team.group_sale_salesman"
SALES_HEAD = "sales_team.group_sale_manager"


def load_language(env: Any, code: str) -> None:
    """Activate a language and load its translations of every installed module."""
    language = env["res.lang"]._activate_lang(code)
    env["base.language.install"].create({"lang_ids": [(6, 0, language.ids)]}).lang_install()
    env.cr.commit()


def make_people(env: Any, people: dict[str, dict[str, str]], language: str) -> None:
    """Make or refresh `bridge`, `salesperson`, `manager`, `admin`; answer with the bridge's key."""
    team = env.ref("miasalud_crm.team_manychat")
    bridge = _person(
        env, people["bridge"], language, "base.group_portal", "miasalud_crm.group_bridge"
    )
    seller = _person(env, people["salesperson"], language, "base.group_user", SALES)
    head = _person(
        env,
        people["manager"],
        language,
        "base.group_user",
        SALES_HEAD,
        "miasalud_crm.group_manager",
    )
    for user in seller | head:
        if user not in team.crm_team_member_ids.user_id:
            env["crm.team.member"].create({"crm_team_id": team.id, "user_id": user.id})
    env.ref("base.main_company").name = COMPANY
    admin = env.ref("base.user_admin")
    admin.write({"login": people["admin"]["login"], "password": people["admin"]["password"]})
    key = _new_key(env, bridge)
    env.cr.commit()
    print(MARK + json.dumps({"bridge_key": key}))


def make_key(env: Any, login: str) -> None:
    """Give a user a new API key; answer with it."""
    key = _new_key(env, env["res.users"].search([("login", "=", login)]))
    env.cr.commit()
    print(MARK + json.dumps({"key": key}))


def load_demo(env: Any, login: str) -> None:
    """Load the addon's demo data, and let one user see it in English."""
    tools = importlib.import_module("odoo.tools")
    tools.convert_file(
        env, "miasalud_crm", "demo/manychat_demo.xml", {}, mode="init", noupdate=True
    )
    env["ir.config_parameter"].set_param("miasalud_crm.account", "fb123456789")
    env["res.users"].search([("login", "=", login)]).lang = "en_US"
    env.cr.commit()


def _person(env: Any, person: dict[str, str], language: str, *groups: str) -> Any:
    users = env["res.users"].with_context(no_reset_password=True, active_test=False)
    field = "group_ids" if "group_ids" in users._fields else "groups_id"
    values = {
        "name": person["name"],
        "login": person["login"],
        "email": person["login"],
        "password": person["password"],
        "lang": language,
        "tz": "America/Lima",
        field: [(6, 0, [env.ref(group).id for group in groups])],
    }
    user = users.search([("login", "=", person["login"])])
    if user:
        user.write(values)
    return user or users.create(values)


def _new_key(env: Any, user: Any) -> str:
    keys = env["res.users.apikeys"].sudo()
    keys.search([("user_id", "=", user.id)])._remove()
    made: str = keys.with_user(user).sudo()._generate("rpc", "devstack", None)
    return made
