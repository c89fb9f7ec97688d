"""The customer's own examples, posted as written, in their order: each answer, and the mirror."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text

from devstack.bridge_processes import Bridge
from devstack.stack import Stack
from tests.seed import Block, blocks

STATUS = {
    "contact": 202, "campaign-assignment": 202, "update-by-manychat-id": 200, "contacts": 201,
    "campaigns": 201, "channels": 201, "advisors": 201,
}  # fmt: skip
SETTLE_SECONDS = 60


class Posted:
    """A bridge with its workers, and what it answered to each example."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.answers: dict[str, requests.Response] = {}

    def post(self, block: Block) -> None:
        answer = requests.request(
            block.method,
            self.bridge.api_url + block.path,
            data=block.raw.encode(),
            headers={"X-API-KEY": self.bridge.api_key, "Content-Type": "application/json"},
            timeout=30,
        )
        self.answers[block.name] = answer
        if answer.status_code == 202:
            self.wait_for(answer.json()["event_id"])

    def wait_for(self, event_id: str) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while not self.rows("SELECT 1 FROM Ledger WHERE event_id = :id", id=event_id):
            assert time.monotonic() < deadline, f"{event_id} is not in the mirror"
            time.sleep(0.1)

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        engine = create_engine(self.bridge.env["DATABASE_URL"])
        try:
            with engine.connect() as connection:
                return [dict(row) for row in connection.execute(text(statement), values).mappings()]
        finally:
            engine.dispose()


@pytest.fixture(scope="module")
def posted() -> Iterator[Posted]:
    with Stack(name="seed") as stack:
        stack.bridge.start()
        made = Posted(stack.bridge)
        for block in blocks():
            made.post(block)
        yield made


def test_every_example_gets_the_answer_that_it_is_due(posted: Posted) -> None:
    assert {name: answer.status_code for name, answer in posted.answers.items()} == STATUS
    for name in ("contact", "campaign-assignment"):
        said = posted.answers[name].json()
        assert (said["status"], said["manychat_id"], said["warnings"]) == (
            "accepted", "MC99999", "",
        )  # fmt: skip


def test_the_webhooks_and_the_update_end_as_one_contact_in_its_campaign(posted: Posted) -> None:
    [contact] = posted.rows(
        """SELECT c.*, ch.name AS channel FROM Contact c JOIN Channel ch ON ch.id = c.channel_id
        WHERE manychat_id = 'MC99999'"""
    )
    assert (contact["first_name"], contact["last_name"]) == ("Ana", "García")
    assert (contact["phone"], contact["channel"]) == ("+521234567891", "Facebook")
    assert contact["subscription_date"].startswith("2025-06-10 10:00:00")
    assert contact["initial_state"] == "Nuevo"
    [row] = posted.rows(
        """SELECT k.*, p.name AS campaign FROM Campaign_Contact k
        JOIN Campaign p ON p.id = k.campaign_id WHERE contact_id = :id""",
        id=contact["id"],
    )
    assert (row["campaign"], row["last_state"]) == ("85", "Asignado a médico")
    assert (row["commercial_advisor_ref"], row["medical_advisor_ref"]) == ("700", "101")
    assert row["medical_assignment_date"].startswith("2025-06-10 11:00:00")
    assert row["summary"] == "Conversación finalizada, cliente agendó consulta."
    states = posted.rows(
        "SELECT state FROM Contact_State WHERE contact_id = :id ORDER BY clock", id=contact["id"]
    )
    assert [state["state"] for state in states] == [
        "Nuevo Lead", "Asignado a campaña", "Asignado a médico",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "table"),
    [("contacts", "Contact"), ("campaigns", "Campaign"), ("channels", "Channel"),
     ("advisors", "Advisor")],
)  # fmt: skip
def test_a_record_is_in_its_table_as_it_was_written(posted: Posted, name: str, table: str) -> None:
    [block] = [block for block in blocks() if block.name == name]
    made = posted.answers[name].json()
    [row] = posted.rows(f"SELECT * FROM {table} WHERE id = :id", id=made["id"])  # noqa: S608
    for key, value in block.body.items():
        if key in {"date_start", "date_end"}:
            assert row[key][:19] == str(value)[:19].replace("T", " ")
        else:
            assert row[key] == value


def test_what_was_written_of_a_contact_waits_for_odoo(posted: Posted) -> None:
    waiting = posted.rows(
        """SELECT manychat_id, COUNT(*) AS events FROM Outbox o
        JOIN Contact c ON c.id = o.contact_id GROUP BY manychat_id ORDER BY manychat_id"""
    )
    assert waiting == [
        {"manychat_id": "MC12345", "events": 1},
        {"manychat_id": "MC99999", "events": 3},
    ]
