"""Mirror and Odoo compared on the whole road: what was planted is found, and nothing else."""

from __future__ import annotations

from psycopg import sql

from benchmarks.reconciling import FILLED, measured
from tests.e2e.conftest import Road


def test_planted_differences_are_found_and_mended(road: Road) -> None:
    stack = road.stack
    stack.bridge.stop_workers()  # the comparison has a mirror of its own, and the same queues
    try:
        # more than a page of 500 on both sides
        assert measured(stack, contacts=600, each=6, odoo=stack.odoo) == []
    finally:
        forget = sql.SQL("DELETE FROM crm_lead WHERE manychat_id LIKE {}")
        copies = sql.Literal(f"{FILLED}%")
        stack.postgres.execute(forget.format(copies), database=stack.odoo.db)
        stack.bridge.start_workers()
