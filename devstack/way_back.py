"""The way back on a running stack: a salesperson in a browser at one end, ManyChat at the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from devstack.browser import chromium
from devstack.manychat_server import ManyChatServer
from devstack.odoo_server import OdooServer
from devstack.stack import Stack

FIELDS = {"stage": "etapa_crm", "lead_id": "lead_id"}


@contextmanager
def writing_back(stack: Stack) -> Iterator[ManyChatServer]:
    """ManyChat's stand-in, and a stack that writes back to it; as it was before afterwards."""
    given = {"miasalud_crm.bridge_url": stack.bridge.api_url,
             "miasalud_crm.bridge_key": stack.bridge.api_key,
             "miasalud_crm.write_back": "on",
             **{f"miasalud_crm.back_{fact}": name for fact, name in FIELDS.items()}}  # fmt: skip
    with ManyChatServer() as server:
        told = {"MANYCHAT_API_URL": server.url, "MANYCHAT_API_TOKEN": server.page.token}
        stack.bridge.env.update(told)
        _restart(stack)
        set_parameters(stack.odoo, given)
        try:
            yield server
        finally:
            set_parameters(stack.odoo, dict.fromkeys(given, False))
            for name in told:
                del stack.bridge.env[name]
            _restart(stack)


def _restart(stack: Stack) -> None:
    stack.bridge.stop_workers()
    stack.bridge.start_workers()


def set_parameters(odoo: OdooServer, values: dict[str, Any]) -> None:
    """Set Odoo's parameters, as its settings page does."""
    for name, value in values.items():
        call(odoo, "ir.config_parameter", "set_param", name, value)


def call(odoo: OdooServer, model: str, method: str, *args: Any) -> Any:
    """Call Odoo as its administrator."""
    who = [odoo.db, _rpc(odoo, "common", "login", odoo.db, odoo.admin_login, odoo.admin_password)]
    return _rpc(odoo, "object", "execute_kw", *who, odoo.admin_password, model, method, list(args))


def _rpc(odoo: OdooServer, service: str, method: str, *args: Any) -> Any:
    params = {"service": service, "method": method, "args": args}
    body = {"jsonrpc": "2.0", "method": "call", "params": params}
    answer = requests.post(f"{odoo.url}/jsonrpc", json=body, timeout=60).json()
    if "error" in answer:
        raise RuntimeError(answer["error"]["data"]["message"])
    return answer.get("result")


class Salesperson:
    """A salesperson at a browser, logged in, who moves one lead by its status bar."""

    def __init__(self, odoo: OdooServer, page: Any) -> None:
        self._odoo, self._page = odoo, page
        page.goto(f"{odoo.url}/web/login?db={odoo.db}")
        page.fill("input[name=login]", odoo.salesperson_login)
        page.fill("input[name=password]", odoo.salesperson_password)
        page.click("button[type=submit]")
        page.wait_for_selector(".o_main_navbar", timeout=120_000)

    def open(self, lead_id: int) -> None:
        """Open the lead's form."""
        self._page.goto(f"{self._odoo.url}/odoo/crm.lead/{lead_id}")
        self._page.wait_for_selector(".o_statusbar_status", timeout=120_000)

    def move(self, stage: str) -> None:
        """Click a stage beside the lead's own: in a form just opened no menu hides those two."""
        # how long the lead was in a stage stands right behind its name
        name = re.compile(f"^{re.escape(stage)}")
        bar = self._page.locator(".o_statusbar_status")
        bar.get_by_role("radio", name=name).click(timeout=120_000)


@contextmanager
def at_a_browser(odoo: OdooServer) -> Iterator[Salesperson]:
    """A salesperson at a browser of their own."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (where there is a browser)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        view = browser.new_page(viewport={"width": 1900, "height": 800}, locale="es-PE")
        yield Salesperson(odoo, view)
        browser.close()
