"""The whole road, running: Azurite, mirror, workers, API and a real Odoo, driven from outside."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text

from devstack.odoo_server import OdooServer
from devstack.stack import Stack

LEAD_FIELDS = [
    "name", "contact_name", "phone", "email_from", "stage_id", "team_id", "source_id",
    "campaign_id", "active", "user_id", "manychat_id", "manychat_state", "manychat_state_date",
    "manychat_summary", "manychat_initial_state", "manychat_commercial_ref", "manychat_medical_ref",
    "commercial_assignment_date", "commercial_process_start_date", "medical_assignment_date",
    "medical_process_start_date", "medical_process_end_date", "quotation_start_date",
    "sale_order_date", "successful_sale_date", "conversation_closed_date",
]  # fmt: skip
SETTLE_SECONDS = 90


@dataclass
class Road:
    """One running road and the three places from which it is looked at: HTTP, SQL, Odoo."""

    stack: Stack

    def post(self, kind: str, body: Any, *, key: str | None = None) -> requests.Response:
        """POST `body` (an object, or raw text) to a webhook, with the webhook key by default."""
        raw = body if isinstance(body, str) else json.dumps(body)
        return requests.post(
            f"{self.stack.bridge.api_url}/api/v1/manychat/webhook/{kind}",
            data=raw.encode(),
            headers={
                "X-API-KEY": self.stack.bridge.webhook_api_key if key is None else key,
                "Content-Type": "application/json",
            },
            timeout=10,
        )

    def api(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Call a route of the API with the key that opens everything."""
        return requests.request(
            method,
            f"{self.stack.bridge.api_url}/api/v1{path}",
            json=body,
            headers={"X-API-KEY": self.stack.bridge.api_key},
            timeout=30,
        )

    def sql(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of the mirror, as dictionaries."""
        engine = create_engine(self.stack.bridge.env["DATABASE_URL"])
        try:
            with engine.connect() as connection:
                return [dict(row) for row in connection.execute(text(statement), values).mappings()]
        finally:
            engine.dispose()

    def contact(self, manychat_id: str) -> dict[str, Any] | None:
        rows = self.sql("SELECT * FROM Contact WHERE manychat_id = :id", id=manychat_id)
        return rows[0] if rows else None

    def odoo(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call Odoo as its administrator."""
        odoo = self.stack.odoo
        login, password = odoo.admin_login, odoo.admin_password
        uid = _rpc(odoo, "common", "authenticate", odoo.db, login, password, {})
        assert uid, f"Odoo refused the login {login}"
        who = (odoo.db, uid, password)
        return _rpc(odoo, "object", "execute_kw", *who, model, method, list(args), kwargs)

    def leads(self, manychat_id: str) -> list[dict[str, Any]]:
        """Every lead of a contact, archived ones included, without ids of its own."""
        domain = [["manychat_id", "=", manychat_id], ["active", "in", [True, False]]]
        leads: list[dict[str, Any]] = self.odoo("crm.lead", "search_read", domain, LEAD_FIELDS)
        return leads

    def history(self, lead_id: int) -> list[dict[str, Any]]:
        """What the history tab of the lead form shows, in its order."""
        domain = [["lead_id", "=", lead_id], ["changed", "=", True]]
        fields = ["occurred_at", "kind", "state", "stage_id"]
        rows: list[dict[str, Any]] = self.odoo(
            "manychat.stage.history", "search_read", domain, fields, order="clock"
        )
        return [{name: row[name] for name in fields} for row in rows]

    def settle(self, event_ids: list[str]) -> None:
        """Wait until every event was answered by Odoo (or dead-lettered: that fails the wait)."""
        deadline = time.monotonic() + SETTLE_SECONDS
        waiting = set(event_ids)
        while waiting and time.monotonic() < deadline:
            done = self.sql("SELECT event_id FROM Outbox WHERE status = 'success'")
            waiting -= {row["event_id"] for row in done}
            if waiting:
                time.sleep(0.2)
        assert not waiting, f"not in Odoo after {SETTLE_SECONDS} s: {sorted(waiting)}"

    def send(self, *posts: tuple[str, dict[str, Any]]) -> list[str]:
        """Post each (kind, body), assert that it was accepted, and wait until Odoo has it."""
        answers = [self.post(kind, body) for kind, body in posts]
        assert [answer.status_code for answer in answers] == [202] * len(answers)
        event_ids = [answer.json()["event_id"] for answer in answers]
        self.settle(event_ids)
        return event_ids


def _rpc(odoo: OdooServer, service: str, name: str, *params: Any) -> Any:
    call = {"service": service, "method": name, "args": params}
    answer = requests.post(
        f"{odoo.url}/jsonrpc",
        json={"jsonrpc": "2.0", "method": "call", "params": call},
        timeout=60,
    ).json()
    assert "error" not in answer, answer["error"]["data"]["message"]
    return answer.get("result")


@pytest.fixture(scope="session")
def road(stack: Stack) -> Road:
    """The stack with everything started."""
    stack.odoo.start()
    stack.bridge.start()
    return Road(stack)
