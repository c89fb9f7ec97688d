"""docker/odoo_people.py, piped into `odoo shell` as docs/deploy.md says, makes a key that works."""

from __future__ import annotations

import re

import pytest

from bridge.odoo.client import OdooClient
from bridge.settings import load_settings
from devstack.errors import CommandFailed
from tests.e2e.conftest import Road
from tests.unit.about_the_code.sources import read

SCRIPT = read("docker/odoo_people.py").text
LOGIN = "bridge.two@clinic.example"


def opens(road: Road, secret: str) -> bool:
    """Whether the login and this secret reach the addon."""
    odoo = road.stack.odoo
    settings = load_settings(
        _env_file=None, api_key="k", odoo_url=odoo.url, odoo_db=odoo.db,
        odoo_username=LOGIN, odoo_password=secret,
    )  # fmt: skip
    health = OdooClient.from_settings(settings).call("crm.lead", "manychat_health")
    return bool(health["addon"] == "miasalud_crm")


def test_each_run_makes_one_more_key_and_a_password_makes_none(road: Road) -> None:
    printed = [road.stack.odoo.pipe(SCRIPT, ODOO_USERNAME=LOGIN) for _ in range(2)]
    keys = [key for text in printed for key in re.findall(r"^ODOO_PASSWORD=(\w+)$", text, re.M)]
    assert len(set(keys)) == 2
    assert "ODOO_PASSWORD=" not in road.stack.odoo.pipe(
        SCRIPT, ODOO_USERNAME=LOGIN, ODOO_PASSWORD="a-password-of-its-own"
    )
    assert all(opens(road, secret) for secret in (*keys, "a-password-of-its-own"))
    [user] = road.odoo("res.users", "search_read", [("login", "=", LOGIN)], ["share"])
    assert user["share"], "a portal user"


def test_what_fails_in_the_shell_is_no_success(road: Road) -> None:
    with pytest.raises(CommandFailed, match="ODOO_USERNAME"):
        road.stack.odoo.pipe(SCRIPT)
