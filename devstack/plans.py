"""`python -m devstack plans`: what the databases do for each question, with many contacts.

Every statement that the mirror's functions execute is explained on SQLite and PostgreSQL; one that
reads a whole big table is told.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session

from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.mirror import claims, erasing_odoo, erasures, outbox, pushing, records, reports
from bridge.mirror.apply import apply_events
from bridge.mirror.digests import id_digest
from bridge.mirror.engine import make_engine
from bridge.mirror.records import Asked
from bridge.mirror.retention import forget_events
from bridge.mirror.schema import upgrade
from bridge.mirror.statistics import statistics
from bridge.mirror.tables import Contact
from bridge.mirror.tracing import trace_contact
from bridge.settings import load_settings
from devstack.plans_fill import BEGAN, fill
from devstack.stack import Stack

BIG = ("Contact", "Contact_Clock", "Contact_State", "Contact_Assignment", "Campaign_Contact",
       "Address", "Ledger", "Outbox")  # fmt: skip
NOW = BEGAN + timedelta(days=30)
ONE = "MC-7"
Question = Callable[[Session], Any]


@dataclass(frozen=True)
class Plan:
    """One executed statement and what the database does for it; `scans` are big tables."""

    statement: str
    lines: tuple[str, ...]

    @property
    def scans(self) -> tuple[str, ...]:
        return tuple(table for table in BIG for line in self.lines if _scans(line, table))


def _scans(line: str, table: str) -> bool:
    begins = (f"SCAN {table} ", f'Seq Scan on "{table}"', f"SCAN {table}\n")
    return any(start in f"{line}\n" for start in begins)


def _batch(session: Session) -> None:
    """32 events of every kind: of new contacts, of known ones, and mended ones."""
    bodies: list[tuple[EventType, dict[str, Any]]] = [
        (
            EventType.CONTACT,
            {"nombre_lead": "Eva", "canal_entrada": "IG", "ultimo_estado": "Nuevo"},
        ),
        (EventType.ASSIGNMENT, {"campaign_id": "Otoño", "comercial_id": "7", "summary": "Llama"}),
        (EventType.STAGE, {"stage_manychat": "Comienza Cotización"}),
        (EventType.ADDRESS, {"city": "Lima"}),
    ]
    pairs = []
    for number in range(32):
        type, body = bodies[number % 4]
        contact = f"MC-{number}" if number % 2 else f"new-{number}"
        envelope = Envelope(
            id=f"l0-{number}" if number % 8 == 1 else str(uuid.UUID(int=number)), type=type,
            received_at=NOW, occurred_at=None, payload={"manychat_id": contact, **body},
            revision=int(number % 8 == 1),
        )  # fmt: skip
        pairs.append((read_event(envelope, Rules()), envelope))
    apply_events(session, pairs, NOW)


def _answered(session: Session) -> None:
    """A claim of a hundred rows, and its answers."""
    rows = claims.claim(session, "one", 100, NOW, 60)
    usual = {"status": "updated", "unmapped": False, "retryable": False, "lead_id": 7,
             "stage": "x", "dates": {}, "message": None}  # fmt: skip
    outbox.record_results(session, rows, [usual | {"event_id": r.event_id} for r in rows], NOW)
    claims.release(session, "one")


def _list(name: str, **filters: Any) -> Question:
    return lambda session: records.listing(
        session, name, Asked(filters={key: [value] for key, value in filters.items()})
    )


def _contact_id(session: Session) -> int:
    return session.execute(
        select(Contact.id).where(Contact.manychat_digest == id_digest(ONE))
    ).scalar_one()


HOT: Mapping[str, Question] = {
    "batch of 32 events": _batch,
    "claim and answers of 100": _answered,
    "is anything due": lambda session: claims.is_due(session, NOW),
    "look-up of a contact": lambda session: reports.lookup(session, ONE),
    "history of a contact": lambda session: reports.history(session, _contact_id(session)),
    "campaign in force": lambda session: reports.campaign_in_force(session, _contact_id(session)),
    "how a state was taken": lambda session: reports.outcome_of_state(session, "Nuevo 3"),
    "how an unknown state was taken": lambda session: reports.outcome_of_state(session, "Nada"),
    "trace of a contact": lambda session: trace_contact(session, ONE),
    "contacts by ManyChat id": _list("contacts", manychat_id=ONE),
    "contacts by phone": _list("contacts", phone="+51900000007"),
    "contacts by e-mail": _list("contacts", email="persona7@example.com"),
    "campaign contacts by ManyChat id": _list("campaign-contacts", manychat_id=ONE),
    "campaign contacts by contact": _list("campaign-contacts", contact_id=7),
    "dead letters": _list("dead-letters"),
    "one contact": lambda session: records.read(session, "contacts", _contact_id(session)),
    "push one contact again": lambda session: pushing.push_again(session, ONE),
    "erase a person": lambda session: erasures.erase(session, ONE, NOW),
    "erasures that Odoo owes": lambda session: erasing_odoo.due(session, NOW, 10),
    "retention": lambda session: forget_events(session, BEGAN, 500),
}
WHOLE: Mapping[str, Question] = {
    "first page of contacts": _list("contacts"),
    "statistics": lambda session: statistics(session, NOW),
    "counts": reports.counts,
}
"""They count everything, so they read everything: an index is the most they can ask for."""


def explained(engine: Engine, question: Question, *, small: bool = False) -> list[Plan]:
    """The plan of every statement that the question executes; what it writes is rolled back.

    `small`: PostgreSQL shall not take a whole table only because there is little in it.
    """
    with Session(engine) as session:
        if small and engine.dialect.name == "postgresql":
            session.execute(text("SET LOCAL enable_seqscan = off"))
        with _recorded(session) as seen:
            question(session)
        found = []
        for statement, parameters in seen:
            lines = _explain(session, statement, parameters)
            found.append(Plan(" ".join(statement.split()), lines))
        session.rollback()
    return found


@contextmanager
def _recorded(session: Session) -> Iterator[list[tuple[str, Any]]]:
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, given: Any, _x: Any, many: bool) -> None:
        # rows that are inserted with RETURNING are many, but go as one
        seen.append((statement, given[0] if many and isinstance(given, list) else given))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _explain(session: Session, statement: str, parameters: Any) -> tuple[str, ...]:
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return tuple(str(row[3]) for row in rows)
    rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    return tuple(str(row[0]) for row in rows)


def show_plans(contacts: int) -> int:
    """Print every plan at that size; 1 if a hot question reads a whole big table."""
    scanning = 0
    with Stack(name="plans") as stack:
        file = stack.folder / "plans.db"
        file.unlink(missing_ok=True)
        for name, url in (("SQLite", f"sqlite:///{file}"),
                          ("PostgreSQL", stack.postgres.createdb("plans"))):  # fmt: skip
            engine = make_engine(load_settings(api_key="unused", database_url=url))
            upgrade(engine)
            fill(engine, contacts)
            print(f"\n# {name}, {contacts} contacts")
            scanning += sum(_show(engine, title, ask) for title, ask in HOT.items())
            for title, ask in WHOLE.items():
                _show(engine, title, ask)
            engine.dispose()
    print(f"\n{scanning} statements of hot questions read a whole big table")
    return 1 if scanning else 0


def _show(engine: Engine, title: str, ask: Question) -> int:
    began = datetime.now(UTC)
    plans = explained(engine, ask)
    spent = (datetime.now(UTC) - began).total_seconds()
    print(f"\n## {title}: {len(plans)} statements, {spent:.2f} s")
    for plan in plans:
        print(f"- {plan.statement[:150]}")
        for line in plan.lines:
            print(f"    {line}")
    return sum(bool(plan.scans) for plan in plans)
