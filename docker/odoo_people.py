"""Piped into `odoo shell`, on Odoo 18 and 19: makes the bridge's user, or gives it a new key.

ODOO_USERNAME  its login; a portal user with the group *ManyChat Bridge* and nothing else
ODOO_PASSWORD  its password; without one, an API key that never ends is made and printed, once.
               Odoo checks a key a hundred times faster; keys from before go on working
ODOO_ADMIN_PASSWORD  the administrator's new password; without one, it stays
"""

import os
import sys
import traceback


def make_people(env):
    """Make or refresh the users; print the new API key if there is one."""
    bridge = _bridge(env, os.environ["ODOO_USERNAME"])
    password = os.environ.get("ODOO_PASSWORD")
    admin_password = os.environ.get("ODOO_ADMIN_PASSWORD")
    if password:
        bridge.password = password
    if admin_password:
        env.ref("base.user_admin").password = admin_password
    # the screen gives a portal user no key that lasts longer than a day; sudo may
    key = (
        ""
        if password
        else env["res.users.apikeys"]
        .with_user(bridge)
        .sudo()
        ._generate("rpc", "ManyChat bridge", None)
    )
    env.cr.commit()
    if key:
        sys.stdout.write(f"ODOO_PASSWORD={key}\n")


def _bridge(env, login):
    users = env["res.users"].with_context(no_reset_password=True, active_test=False)
    groups_field = "group_ids" if "group_ids" in users._fields else "groups_id"
    groups = [env.ref(name).id for name in ("base.group_portal", "miasalud_crm.group_bridge")]
    values = {
        "name": "ManyChat bridge",
        "login": login,
        "active": True,
        groups_field: [(6, 0, groups)],
    }
    bridge = users.search([("login", "=", login)])
    if bridge:
        bridge.write(values)
    return bridge or users.create(values)


try:
    make_people(env)  # noqa: F821  (the shell's)
except Exception:  # noqa: BLE001  (the shell would print it and exit with 0)
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
