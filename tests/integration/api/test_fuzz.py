"""Odd requests to every route, of a fixed seed: no server error, nothing but what is documented.

`make fuzz` makes thousands more, with a real Odoo.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bridge.api.odoo_contact_bodies import EXAMPLE as CONTACT
from bridge.api.odoo_leads import EXAMPLE
from devstack.fuzz import fuzz
from devstack.stack import Stack

PARTNER = {key: value for key, value in CONTACT.items() if key not in {"id", "manychat_id"}} | {
    "partner_id": CONTACT["id"]
}
ANSWERS: dict[str, Any] = {
    "authenticate": 7,
    "manychat_leads": {"total": 1, "leads": [EXAMPLE]},
    "manychat_check": {"lead_id": None, "next_stage": "Nuevo", "rule": "Nuevo"},
    "manychat_partners": {"total": 1, "partners": [PARTNER]},
    "manychat_partner_create": {"partner": PARTNER},
    "manychat_partner_write": {"partner": PARTNER},
    "manychat_partner_remove": {},
    "manychat_health": {"addon": "miasalud_crm", "version": "1.0.0", "series": "18.0"},
}


class OdooStub(BaseHTTPRequestHandler):
    """An Odoo that answers every call as if it went well."""

    def do_POST(self) -> None:
        params = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["params"]
        method = params["args"][4] if params["method"] == "execute_kw" else params["method"]
        answer = json.dumps({"jsonrpc": "2.0", "result": ANSWERS[method]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def odoo_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OdooStub)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_odd_requests_meet_no_server_error_and_only_documented_answers(
    odoo_url: str, tmp_path: Path
) -> None:
    odoo = {"ODOO_URL": odoo_url, "ODOO_DB": "x", "ODOO_USERNAME": "x", "ODOO_PASSWORD": "x"}
    with Stack(folder=tmp_path / "stack", settings=odoo) as stack:
        code = fuzz(stack, examples=5, seed=20251020, words=("--phases=examples,fuzzing,stateful",))
    assert code == 0
