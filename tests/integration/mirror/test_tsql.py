"""Every statement that the mirror executes is plain T-SQL when compiled for SQL Server.

No SQL Server runs here: the statements of the main scenarios are recorded on SQLite, compiled
with SQL Server's dialect and parsed as T-SQL.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlfluff
from sqlalchemy import ClauseElement, CompoundSelect, Engine, Select, event, insert
from sqlalchemy.dialects import mssql
from sqlfluff.api.simple import APIParsingError

from bridge.events.event import EventType
from bridge.events.reading import Rules
from bridge.mirror import (
    claims,
    dead_letters,
    edits,
    erasing_odoo,
    erasures,
    feedback,
    hints,
    inbox,
    lease,
    outbox,
    pace,
    pauses,
    records,
    reports,
    telling,
    write_back,
    write_back_setup,
)
from bridge.mirror.ledger import entries
from bridge.mirror.pushing import push_again
from bridge.mirror.records import Asked
from bridge.mirror.retention import forget_events, forget_letters
from bridge.mirror.schema import upgrade
from bridge.mirror.statistics import statistics
from bridge.mirror.store import Store
from bridge.mirror.tables import Advisor
from bridge.mirror.tracing import trace_contact
from bridge.mirror.watching import look
from bridge.mirror.write_back_setup import Setup
from tests.integration.mirror.conftest import NOW, Mirror, engine_of
from tests.integration.mirror.test_write_back import ENTRY, FIELDS, Moved


def compiled(statement: ClauseElement, parameters: list[dict[str, Any]]) -> str:
    """The statement's text for SQL Server, its parameters as variables."""
    dialect = mssql.dialect()  # type: ignore[no-untyped-call]
    keys = list(parameters[0]) if parameters else None
    if isinstance(statement, (Select, CompoundSelect)) and parameters:
        # a list among them is as many variables as it has values
        statement = statement.params(parameters[0])
    text = str(
        statement.compile(
            dialect=dialect, column_keys=keys, compile_kwargs={"render_postcompile": True}
        )
    )
    return re.sub(r"(?<!:):(\w+)", "@p", text)


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[tuple[Mirror, set[str]]]:
    """A mirror on SQLite, and the T-SQL of everything that is executed on it."""
    engine: Engine = engine_of(f"sqlite:///{tmp_path / 'recorded.db'}")
    upgrade(engine)
    seen: set[str] = set()

    def note(_connection: Any, statement: Any, many: Any, one: Any, _options: Any) -> None:
        if isinstance(statement, ClauseElement):
            seen.add(compiled(statement, list(many) or ([dict(one)] if one else [])))

    event.listen(engine, "before_execute", note)
    yield Mirror(Store(engine)), seen
    engine.dispose()


def id_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def converse(mirror: Mirror) -> None:
    """Everything that happens to events on their way."""
    with mirror.store.transaction() as session:
        session.execute(insert(Advisor), [{"name": "Ana", "email": "ana@example.com"}])
    bodies: list[tuple[EventType, dict[str, Any], int]] = [
        (EventType.CONTACT, {"nombre_lead": "Eva", "canal_entrada": "IG"}, 0),
        (EventType.ASSIGNMENT, {"campaign_id": "Otoño", "comercial_id": "ana@example.com"}, 0),
        (EventType.STAGE, {"stage_manychat": "Comienza Cotización", "advisor_id": 1}, 0),
        (EventType.STAGE, {"stage_manychat": "Venta exitosa"}, 1),
        (EventType.ADDRESS, {"city": "Lima"}, 0),
        (EventType.ADDRESS, {"city": "Cusco"}, 0),
        (EventType.UPDATE, {"summary": None, "sale_order_date": "2025-10-20"}, 0),
    ]
    for number, (type, body, revision) in enumerate(bodies):
        id = id_of("stage" if type is EventType.STAGE else f"event-{number}")
        payload = {"manychat_id": "MC-1", **body}
        mirror.deliver(mirror.envelope(type, payload, id, revision=revision, at=number))


def answer(mirror: Mirror) -> None:
    """Odoo's side: a claim, answers of each kind, a failed call."""
    with mirror.store.transaction() as session:
        claims.claim(session, "other", 1, NOW, 60)
        claims.release(session, "other")
        claims.is_due(session, NOW)
        rows = claims.claim(session, "one", 100, NOW, 60)
        claims.renew(session, "one", NOW, 60)
        claims.claim(session, "two", 100, NOW, 60)
        done = {"status": "updated", "unmapped": False, "retryable": False, "lead_id": 7,
                "stage": "x", "message": None,
                "dates": {"sale_order_date": "2025-10-20T10:00:00.000000Z"}}  # fmt: skip
        answers = [{"event_id": row.event_id, **done} for row in rows[1:]]
        outbox.record_failure(session, rows[:1], "odoo_error", NOW)
        outbox.record_results(session, rows[1:], answers, NOW)
        claims.release(session, "one")


def keep(mirror: Mirror) -> None:
    """Inbox, dead letters, leases, reports."""
    waiting = mirror.envelope(EventType.CONTACT, {"manychat_id": "MC-2"}, id_of("waiting"))
    with mirror.store.transaction() as session:
        inbox.keep(session, "manychat-contact-queue", waiting, NOW)
        inbox.forget(session, [entry.id for entry in inbox.oldest(session, 10)])
        for _ in range(2):
            dead_letters.record(session, [waiting.with_reason("bad", "api")], NOW)
            lease.acquire(session, "job", "one", NOW, 60)
        lease.acquire(session, "job", "two", NOW, 60)
        for _ in range(2):
            pace.take_turn(session, "job", 5, NOW)
            pauses.pause(session, "crm", NOW)
        pauses.paused(session)
        pauses.resume(session, "crm")
        [letter] = dead_letters.listing(session)
        dead_letters.payload_of(session, letter.id)
        dead_letters.replay_of(session, letter.id)
        dead_letters.replays(
            session, dead_letters.Wanted(event_id="x", hop="x", type="x", reason="x")
        )
        dead_letters.letter_of(session, letter.id)
        dead_letters.purge(session, [0], NOW, replayed=True, really=True)
        dead_letters.mark_replayed(session, [letter.id], NOW)
        push_again(session)
        push_again(session, "MC-1")
        reports.lookup(session, "MC-1")
        reports.outcome_of_state(session, "Nuevo")
        reports.trace(session, [id_of("event-0")])
        trace_contact(session, "MC-1")
        entries(session, NOW, 0, 10)
        forget_events(session, NOW + timedelta(days=9), 10)
        forget_letters(session, NOW, 10)
        look(session, NOW)
        reports.counts(session)
        statistics(session, NOW)
    mirror.store.ping()


def edit(mirror: Mirror) -> None:
    """What people list, read, write and delete."""
    with mirror.store.transaction() as session:
        for name in records.KINDS:
            records.listing(session, name, Asked(2, 10, "-id", {}))
        filters = {"manychat_id": ["MC-1"], "phone": ["1", "2"]}
        records.listing(session, "contacts", Asked(filters=filters))
        records.listing(session, "campaign-contacts", Asked(filters={"manychat_id": ["MC-1"]}))
        channel = records.create(session, "channels", {"name": "Boca a boca"}, NOW)
        records.change(session, "channels", channel["id"], {"description": "x"}, NOW)
        records.remove(session, "channels", channel["id"])
        records.create(session, "advisors", {"name": "Eva", "email": "eva@example.com"}, NOW)
        campaign = records.create(session, "campaigns", {"name": "Verano"}, NOW)
        contact = edits.create_contact(session, {"manychat_id": "MC-9"}, Rules(), NOW)
        edits.change_contact(session, contact["id"], {"first_name": "Eva"}, Rules(), NOW)
        keys = {"contact_id": contact["id"], "campaign_id": campaign["id"]}
        row = edits.create_campaign_contact(session, keys, Rules(), NOW)
        edits.change_campaign_contact(session, row["id"], {"summary": "x"}, Rules(), NOW)
        edits.in_force(session, contact["id"])
        reports.history(session, contact["id"])
        edits.remove_campaign_contact(session, row["id"])
        edits.remove_contact(session, contact["id"])


def erase(mirror: Mirror) -> None:
    """A person is erased, and what comes of it afterwards."""
    late = mirror.envelope(EventType.CONTACT, {"manychat_id": "MC-1"}, id_of("late"))
    with mirror.store.transaction() as session:
        erasures.erase(session, "MC-1", NOW)
        dead_letters.record(session, [late.with_reason("bad", "api")], NOW)
    mirror.deliver(late)
    with mirror.store.transaction() as session:
        [owed] = erasing_odoo.due(session, NOW, 10)
        erasing_odoo.record_failure(session, [owed], "odoo_away", NOW)
        erasing_odoo.record_done(session, owed, NOW)
        erasures.waiting(session)


def tell(mirror: Mirror) -> None:
    """A person's move, what ManyChat is told of it, and what ManyChat says."""
    moved = Moved("stage", stage="Ganado", entry=ENTRY, lead_id=7)
    with mirror.store.transaction() as session:
        for mode in ("on", "record", "on"):
            write_back_setup.keep(session, Setup(mode, FIELDS))
        answers = feedback.answers_of(session, [moved])
        feedback.apply_changes(session, [moved], answers, "PE")
        telling.note_changes(session, [moved], NOW)
        telling.note_changes(session, [replace(moved, stage="Nuevo", minute=12)], NOW)
        write_back.is_due(session, NOW)
        rows = write_back.due(session, NOW)
        write_back.later(session, rows[:1], "manychat_timeout", NOW, attempt=True)
        write_back.park(session, rows[1], "manychat_refused")
        write_back.starting(session, rows[-1], NOW)
        write_back.sent(session, rows[2:], NOW)
        write_back.retry_parked(session, NOW)
        write_back.counts(session)
        for hours in (1, 2):
            pace.hold(session, "manychat-page", NOW + timedelta(hours=hours))
        pace.let_go(session, "manychat-page", NOW)
        for _ in range(2):
            hints.ring(session, NOW)


def test_every_executed_statement_is_t_sql(recording: tuple[Mirror, set[str]]) -> None:
    mirror, seen = recording
    for scenario in (converse, answer, keep, edit, tell, erase):
        scenario(mirror)
    verbs = {statement.split()[0] for statement in seen}
    assert verbs == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert any("WITH (UPDLOCK, ROWLOCK)" in statement for statement in seen)
    for statement in sorted(seen):
        sqlfluff.parse(statement + "\n", dialect="tsql")


@pytest.mark.parametrize(
    "foreign",
    [
        "SELECT a FROM t LIMIT 1",
        "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING",
        "SELECT a FROM t FOR UPDATE",
    ],
)
def test_the_parser_refuses_what_sql_server_would(foreign: str) -> None:
    with pytest.raises(APIParsingError):
        sqlfluff.parse(foreign + "\n", dialect="tsql")
