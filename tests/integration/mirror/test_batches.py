"""A batch is a number of statements that does not grow with its events."""

from __future__ import annotations

import uuid
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
    (EventType.UPDATE, {"summary": None, "sale_order_date": "2025-10-20"}),
)


def batch(mirror: Mirror, size: int, revision: int = 0) -> list[Envelope]:
    """Events of `size` contacts, every kind among them."""
    made = []
    for number in range(size):
        kind, fields = KINDS[number % len(KINDS)]
        id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"batch-{number}"))
        body = {"manychat_id": f"MC-{number}", **fields}
        made.append(mirror.envelope(kind, body, id, revision=revision))
    return made


@contextmanager
def statements(mirror: Mirror) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(mirror.store.engine, "before_cursor_execute", note)
    yield seen
    event.remove(mirror.store.engine, "before_cursor_execute", note)


def answered(mirror: Mirror) -> list[str]:
    with mirror.store.transaction() as session:
        rows = claims.claim(session, "one", 100, NOW, 60)
    usual = {"status": "updated", "unmapped": False, "retryable": False, "lead_id": 7,
             "stage": "x", "dates": {}, "message": None}  # fmt: skip
    answers = [usual | {"event_id": row.event_id} for row in rows]
    with statements(mirror) as seen, mirror.store.transaction() as session:
        outbox.record_results(session, rows, answers, NOW)
    return seen


def test_32_events_take_as_many_statements_as_5(mirror: Mirror) -> None:
    with statements(mirror) as few:
        mirror.deliver(*batch(mirror, 5))
    few_answered = answered(mirror)
    mended_few = batch(mirror, 5, revision=1)
    with statements(mirror) as few_mended:
        mirror.deliver(*mended_few)

    with statements(mirror) as many:
        mirror.deliver(*batch(mirror, 32)[5:], *batch(mirror, 5, revision=2))
    many_answered = answered(mirror)
    with statements(mirror) as many_mended:
        mirror.deliver(*batch(mirror, 32, revision=3))
    assert len(few) <= 29
    assert len(many) <= len(few) + 10  # new and mended ones together
    assert len(few_answered) == len(many_answered) <= 12
    assert len(many_mended) <= len(few_mended) + 1
