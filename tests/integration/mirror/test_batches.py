"""A batch is a number of statements that does not grow with its events."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror import claims, outbox
from tests.integration.mirror.conftest import NOW, Mirror

KINDS: tuple[tuple[EventType, dict[str, Any]], ...] = (
    (EventType.CONTACT, {"nombre_lead": "Eva", "canal_entrada": "IG", "ultimo_estado": "Nuevo"}),
    (EventType.ASSIGNMENT, {"campaign_id": "Otoño", "comercial_id": "7", "summary": "Llama"}),
    (EventType.ASSIGNMENT, {"campaign_id": "Invierno", "ultimo_estado": "Asignado a campaña"}),
    (EventType.STAGE, {"stage_manychat": "Comienza Cotización", "category": "B"}),
    (EventType.ADDRESS, {"city": "Lima"}),
    (EventType.CONTACT, {"email_lead": "eva@example.com", "genero": "F"}),
    (EventType.UPDATE, {"summary": None, "sale_order_date": "2025-10-20"}),
    (EventType.ADDRESS, {"street": "Av. Arequipa 100", "district": "Lince"}),
)
"""Of each kind with columns of its own, so that no two rows of a table need the same ones."""

EVERY = {
    "SELECT Contact", "SELECT Ledger, Erasure", "INSERT Ledger",
    "SELECT Advisor, Campaign, Channel", "INSERT Contact_State", "INSERT Contact_Assignment",
    "INSERT Outbox", "SELECT Contact_Assignment, Contact_Clock, Contact_State, Address",
    "UPDATE Contact",
}  # fmt: skip
NEW = EVERY | {"INSERT Contact", "INSERT Address", "INSERT Contact_Clock",
               "INSERT Campaign_Contact"}  # fmt: skip
KNOWN = EVERY | {"UPDATE Address", "UPDATE Contact_Clock", "SELECT Campaign_Contact",
                 "UPDATE Campaign_Contact"}  # fmt: skip
NAMES = {"INSERT Channel", "INSERT Campaign"}
"""Only of names that nobody used before."""

MENDED = {"SELECT Ledger", "UPDATE Ledger", "DELETE Contact_State", "DELETE Contact_Assignment",
          "UPDATE Outbox"}  # fmt: skip


def batch(
    mirror: Mirror, size: int, revision: int = 0, *, first: int = 0, turn: int = 0
) -> list[Envelope]:
    """Events of `size` contacts, every kind among them; those of another turn are new ones."""
    made = []
    for number in range(first, first + size):
        kind, fields = KINDS[number % len(KINDS)]
        id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"batch-{turn}-{number}"))
        body = {"manychat_id": f"MC-{number}", **fields}
        if turn:
            # a known address has the same parts again, a campaign another date
            body |= {"ultimo_estado": f"Turno {turn}"} if kind is EventType.CONTACT else {}
            body |= {"summary": f"Turno {turn}"} if kind is EventType.ASSIGNMENT else {}
        made.append(mirror.envelope(kind, body, id, revision=revision, at=turn))
    return made


@contextmanager
def statements(mirror: Mirror) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(mirror.store.engine, "before_cursor_execute", note)
    yield seen
    event.remove(mirror.store.engine, "before_cursor_execute", note)


def kinds(mirror: Mirror, *envelopes: Envelope) -> Counter[str]:
    """What the delivery of these takes, as verbs and tables; SQLite's BEGIN aside."""
    with statements(mirror) as seen:
        mirror.deliver(*envelopes)
    return Counter(kind(statement) for statement in seen if not statement.startswith("BEGIN"))


def kind(statement: str) -> str:
    """`SELECT Ledger, Erasure`: the verb, and each table that is read or written."""
    [verb, *_] = statement.split(maxsplit=1)
    named = re.findall(r'(?:FROM|INTO|UPDATE)\s+"?([A-Z]\w+)"?', statement)
    return f"{verb} {', '.join(dict.fromkeys(named))}"


def answered(mirror: Mirror) -> list[str]:
    with mirror.store.transaction() as session:
        rows = claims.claim(session, "one", 100, NOW, 60)
    usual = {"status": "updated", "unmapped": False, "retryable": False, "lead_id": 7,
             "stage": "x", "dates": {}, "message": None}  # fmt: skip
    answers = [usual | {"event_id": row.event_id} for row in rows]
    with statements(mirror) as seen, mirror.store.transaction() as session:
        outbox.record_results(session, rows, answers, NOW)
    return seen


def test_a_batch_is_one_statement_of_each_kind_however_many_events_it_holds(
    mirror: Mirror,
) -> None:
    size = len(KINDS)
    assert kinds(mirror, *batch(mirror, size)) == Counter(NEW | NAMES)  # the first names of all
    assert kinds(mirror, *batch(mirror, size, first=40)) == Counter(NEW)
    assert kinds(mirror, *batch(mirror, 32, first=80)) == Counter(NEW)

    assert kinds(mirror, *batch(mirror, size, turn=1)) == Counter(KNOWN)
    known = batch(mirror, 32, first=80, turn=1)
    assert kinds(mirror, *known) == Counter(KNOWN)
    assert kinds(mirror, *known) == Counter({"SELECT Contact": 1, "SELECT Ledger, Erasure": 1})

    both = [*batch(mirror, 16, first=120), *batch(mirror, 16, first=80, turn=2)]
    assert kinds(mirror, *both) == Counter(NEW | KNOWN)
    assert (len(NEW), len(KNOWN), len(NEW | KNOWN)) == (13, 13, 17)


def test_mended_events_take_as_many_statements_however_many_there_are(mirror: Mirror) -> None:
    size = len(KINDS)
    mirror.deliver(*batch(mirror, 32))
    few = kinds(mirror, *batch(mirror, size, revision=1))
    many = kinds(mirror, *batch(mirror, 32, revision=2))
    assert few == many
    assert set(few) <= NEW | KNOWN | MENDED
    assert max(few.values()) == 1


def test_answers_take_as_many_statements_however_many_there_are(mirror: Mirror) -> None:
    mirror.deliver(*batch(mirror, 5))
    few = answered(mirror)
    mirror.deliver(*batch(mirror, 32, first=40))
    assert len(few) == len(answered(mirror)) <= 12


def test_contacts_of_one_batch_keep_what_only_others_of_it_write(mirror: Mirror) -> None:
    def said(turn: int, **fields: dict[str, str]) -> list[Envelope]:
        kinds_of = {"a": EventType.CONTACT, "b": EventType.CONTACT, "c": EventType.ADDRESS,
                    "d": EventType.ADDRESS}  # fmt: skip
        return [mirror.envelope(kinds_of[who], {"manychat_id": who, **body},
                                str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{turn}-{who}")), at=turn)
                for who, body in fields.items()]  # fmt: skip

    whole = {"street": "Av. Arequipa", "city": "Lima"}
    person = {"nombre_lead": "Eva", "email_lead": "eva@example.com"}
    mirror.deliver(*said(0, a=person, b=person, c=whole, d=whole))
    mirror.deliver(*said(1, a={"nombre_lead": "Ana"}, b={"email_lead": "b@example.com"},
                         c={"city": "Cusco"}, d={"street": "Jr. Puno"}))  # fmt: skip
    seen = mirror.picture()
    assert [(row["first_name"], row["email"]) for row in seen["contacts"][:2]] == [
        ("Ana", "eva@example.com"), ("Eva", "b@example.com")]  # fmt: skip
    assert {(row["street"], row["city"]) for row in seen["addresses"]} == {
        ("Av. Arequipa", "Cusco"), ("Jr. Puno", "Lima")}  # fmt: skip
