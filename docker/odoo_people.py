"""Piped into `odoo shell`: makes the bridge's user, and gives the administrator a password.

The bridge logs in with a password here; in production give it an API key of its own
(Preferences > Account Security), which Odoo checks a hundred times faster.
"""

import os
import sys
import traceback


def make_people(env):
    """Make or refresh both users from ODOO_USERNAME, ODOO_PASSWORD and ODOO_ADMIN_PASSWORD."""
    users = env["res.users"].with_context(no_reset_password=True, active_test=False)
    login = os.environ["ODOO_USERNAME"]
    groups = [env.ref(name).id for name in ("base.group_portal", "miasalud_crm.group_bridge")]
    values = {
        "name": "ManyChat bridge",
        "login": login,
        "password": os.environ["ODOO_PASSWORD"],
        "active": True,
        "groups_id": [(6, 0, groups)],
    }
    bridge = users.search([("login", "=", login)])
    if bridge:
        bridge.write(values)
    else:
        users.create(values)
    env.ref("base.user_admin").password = os.environ["ODOO_ADMIN_PASSWORD"]
    env.cr.commit()


try:
    make_people(env)  # noqa: F821  (the shell's)
except Exception:  # noqa: BLE001  (the shell would print it and exit with 0)
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
