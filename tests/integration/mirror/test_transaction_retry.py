"""A statement that fails for a moment: the whole transaction is done again, and once."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from bridge.events.event import EventType
from bridge.events.reading import Rules
from bridge.workers.handle import BatchHandler
from bridge.workers.leases import Leases
from tests.integration.mirror.conftest import NOW, Mirror
from tests.integration.mirror.test_records import Records
from tests.unit.workers.fakes import FakeDeadLetters, FakeReader, Journal, message

IDS = ["01975a3e-9c40-7c1e-8f0a-00000000000" + digit for digit in "12"]
TABLES = ("Contact", "Contact_State", "Ledger", "Outbox")


def momentary(dialect: str) -> Exception:
    """What the driver raises when somebody else is in the way."""
    if dialect == "postgresql":
        import psycopg.errors  # noqa: PLC0415  (only where that database runs)

        return psycopg.errors.DeadlockDetected("deadlock detected")
    if dialect == "mssql":
        import pyodbc  # noqa: PLC0415

        return pyodbc.Error("40001", "[40001] deadlock victim (1205)")
    return sqlite3.OperationalError("database is locked")


@contextmanager
def failing(mirror: Mirror, table: str, times: int) -> Iterator[list[str]]:
    """The first statements that insert into the table fail; the list has those that did."""
    engine, failed = mirror.store.engine, list[str]()
    insert = re.compile(rf'INSERT INTO ["\[]?{table}["\]]? ')

    def execute(_cursor: Any, statement: str, _parameters: Any, _context: Any) -> None:
        if insert.match(statement) and len(failed) < times:
            failed.append(statement)
            raise momentary(engine.dialect.name)

    names = ("do_execute", "do_executemany", "do_execute_no_params")
    for name in names:
        event.listen(engine, name, execute)
    try:
        yield failed
    finally:
        for name in names:
            event.remove(engine, name, execute)


def handle(mirror: Mirror, journal: Journal) -> None:
    """Two events of two contacts, through a worker's handler."""
    envelopes = [
        mirror.envelope(EventType.STAGE, {"manychat_id": f"MC-{id[-1]}", "state": "Nuevo"}, id)
        for id in IDS
    ]
    messages = [message(envelope) for envelope in envelopes]
    reader, dead = FakeReader(journal), FakeDeadLetters(journal)
    handler = BatchHandler(
        reader,
        dead,
        mirror.store,
        Rules(),
        max_attempts=5,
        now=lambda: NOW,
        clock=lambda _session: NOW,
        pause=lambda _seconds: None,  # type: ignore[arg-type]
    )
    handler.handle(Leases(reader, messages, lambda: 0.0))  # type: ignore[arg-type]


def counted(mirror: Mirror) -> list[int]:
    return [len(mirror.rows(f'SELECT id FROM "{name}"')) for name in TABLES]  # noqa: S608


@pytest.mark.parametrize("table", ["Contact", "Contact_State", "Outbox", "Ledger"])
def test_a_batch_that_met_a_deadlock_is_applied_whole_and_once(mirror: Mirror, table: str) -> None:
    journal = Journal()
    with failing(mirror, table, times=2) as failed:
        handle(mirror, journal)
    assert len(failed) == 2
    assert counted(mirror) == [2, 2, 2, 2]
    assert [verb for verb, *_ in journal] == ["delete", "delete"]


def test_a_batch_that_never_gets_through_leaves_nothing_and_is_delayed(mirror: Mirror) -> None:
    journal = Journal()
    with failing(mirror, "Outbox", times=1_000):
        handle(mirror, journal)
    assert counted(mirror) == [0, 0, 0, 0]
    assert [verb for verb, *_ in journal] == ["delay", "delay"]


async def test_an_edit_that_met_a_deadlock_is_done_once(mirror: Mirror) -> None:
    records = Records(mirror)
    made = await records.made("/contacts/", manychat_id="MC-1", first_name="Eva")
    before = len(mirror.outbox())
    with failing(mirror, "Outbox", times=2) as failed:
        answer = await records("PATCH", f"/contacts/{made['id']}", {"first_name": "Ana"})
    assert (answer.status, answer.json["first_name"], len(failed)) == (200, "Ana", 2)
    assert len(mirror.outbox()) == before + 1


async def test_an_edit_that_never_gets_through_is_told_and_leaves_nothing(mirror: Mirror) -> None:
    records = Records(mirror)
    with failing(mirror, "Outbox", times=1_000) as failed:
        answer = await records("POST", "/contacts/", {"manychat_id": "MC-1"})
    assert (answer.status, answer.json["code"], len(failed)) == (503, "mirror_busy", 3)
    assert counted(mirror) == [0, 0, 0, 0]
