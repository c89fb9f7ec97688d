"""Two processes of Odoo work on the same contacts at the same time, in real transactions."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from psycopg import sql

from bridge.errors import TransientError
from bridge.odoo.client import OdooClient
from devstack.odoo_server import OdooServer
from devstack.stack import Stack

CONTACTS = [f"MC-BOTH-{number:02}" for number in range(12)]
STATES = ("Nuevo", "Comienza Atención Comercial", "Comienza Cotización", "Venta exitosa")
ATTEMPTS = 4  # Odoo itself tries a call five times


@pytest.fixture(scope="module")
def server(stack: Stack) -> Iterator[OdooServer]:
    """An Odoo with two processes that serve."""
    server = stack.another_odoo("two-callers", workers=2)
    server.start()
    yield server
    server.stop()


def event(caller: int, round_: int, contact: str) -> dict[str, Any]:
    moment = f"2025-10-20T12:{2 * round_ + caller:02}:00Z"
    return {
        "event_id": f"both-{caller}-{round_}-{contact}",
        "type": "contact",
        "manychat_id": contact,
        "occurred_at": moment,
        "received_at": moment,
        "values": {
            "first_name": f"Ana {caller}{round_}",
            "channel": f"Channel {round_}",
            "state": STATES[round_],
        },
    }


def calls(server: OdooServer, caller: int, start: Barrier) -> list[str]:
    """Send each round's events when the other caller does too; return every status."""
    client = OdooClient(server.url, server.db, server.bridge_login, server.bridge_key)
    client.ping()
    statuses = []
    for round_ in range(len(STATES)):
        # the callers name the contacts in opposite order
        events = [event(caller, round_, contact) for contact in CONTACTS[:: 1 - 2 * caller]]
        start.wait(timeout=300)
        statuses += [result["status"] for result in _until_done(client, events)]
    return statuses


def _until_done(client: OdooClient, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for attempt in range(ATTEMPTS):
        try:
            results: list[dict[str, Any]] = client.call("crm.lead", "manychat_sync", events)
        except TransientError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return results
    raise AssertionError


def test_two_callers_with_the_same_contacts_make_one_lead_each_and_never_deadlock(
    stack: Stack, server: OdooServer
) -> None:
    start = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        statuses = [s for each in pool.map(lambda n: calls(server, n, start), (0, 1)) for s in each]

    def query(text: str) -> list[tuple[Any, ...]]:
        return stack.postgres.execute(sql.SQL(text), database=server.db)  # type: ignore[arg-type]

    assert len(statuses) == 2 * len(STATES) * len(CONTACTS)
    assert statuses.count("created") == len(CONTACTS)
    assert "rejected" not in statuses
    leads = query(
        "SELECT manychat_id, contact_name, manychat_state FROM crm_lead"
        " WHERE manychat_id LIKE 'MC-BOTH-%' ORDER BY 1"
    )
    assert leads == [(contact, "Ana 13", "Venta exitosa") for contact in CONTACTS]
    [(history,)] = query("SELECT count(*) FROM manychat_stage_history")
    [(sources,)] = query("SELECT count(*) FROM utm_source WHERE name LIKE 'Channel %'")
    assert (history, sources) == (len(statuses), len(STATES))
    assert query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [
        (0,)
    ]
    assert "deadlock detected" not in server.log.read_text()
