"""One event, one trace: webhook, real queue, real mirror, and an Odoo that answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event as Flag
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bridge import tracing
from bridge.api.app import create_app
from bridge.api.parts import open_parts
from bridge.errors import AwayError
from bridge.events.reading import Rules
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.odoo.leads import SyncResult
from bridge.queue.names import CONTACT_QUEUE, DEAD_LETTER_QUEUE
from bridge.queue.reader import QueueReader
from bridge.queue.writer import DeadLetterSender, QueueWriter
from bridge.settings import load_settings
from bridge.workers.crm import CrmWorker
from bridge.workers.loop import QueueWorker
from bridge.workers.pushing import Pusher
from bridge.workers.schedule import Schedule
from bridge.workers.tempo import Tempo
from tests.unit.api.conftest import Api, FakeInbox, FakeSender

BODY = {"manychat_id": "MC-T", "nombre_lead": "Begoña", "whatsapp": "987654321",
        "summary": "Dolor de espalda"}  # fmt: skip


class Leads:
    """An Odoo that makes a lead of everything."""

    def sync(self, events: Sequence[Mapping[str, Any]]) -> list[SyncResult]:
        return [SyncResult(str(event["event_id"]), "created", lead_id=7) for event in events]


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.install(lambda _provider: SimpleSpanProcessor(exporter))
    yield exporter
    tracing.close()


@pytest.mark.parametrize("through", ["queue", "inbox"])
async def test_an_event_is_one_trace_from_webhook_to_odoo(
    azurite: Any, tmp_path: Path, spans: InMemorySpanExporter, through: str
) -> None:
    settings = load_settings(
        _env_file=None, api_key="key", database_url=f"sqlite:///{tmp_path / 'mirror.db'}",
        azure_storage_connection_string=azurite.connection_string,
    )  # fmt: skip
    store = Store.from_settings(settings)
    upgrade(store.engine)
    parts = open_parts(settings)
    api = Api(create_app(settings, parts), FakeSender(), FakeInbox())
    reader = QueueReader(settings, CONTACT_QUEUE)
    while old := reader.receive():  # what other tests left
        for message in old:
            reader.delete(message)

    if through == "inbox":
        await parts.sender.close()
        parts.sender = FakeSender(failure=AwayError("queue_unreachable"))
    answer = await api.post("/api/v1/manychat/webhook/contact", BODY, key="key")
    if through == "inbox":
        writers = {CONTACT_QUEUE: QueueWriter(settings, CONTACT_QUEUE)}
        dead = QueueReader(settings, DEAD_LETTER_QUEUE)
        Schedule(store, writers, dead, holder="one", interval=1).round(Flag())
    worker = QueueWorker(reader, DeadLetterSender(settings), store, Rules())
    assert worker.step() == 1
    tempo = Tempo(1)
    crm = CrmWorker(store, Pusher(store, Leads(), lambda: None, tempo), tempo, "one")
    assert crm.step(Flag()) == 1
    await parts.close()
    store.close()

    found = spans.get_finished_spans()
    root = next(span for span in found if span.name == "webhook")
    assert [span.name for span in sorted(found, key=lambda span: span.start_time or 0)] == [
        "webhook", through, "mirror", "odoo",
    ]  # fmt: skip
    assert {span.context.trace_id for span in found} == {UUID(answer.json["event_id"]).int}
    assert all(s.parent.span_id == root.context.span_id for s in found if s is not root)
    told = json.dumps([json.loads(span.to_json()) for span in found], ensure_ascii=False)
    assert not any(word in told for word in ("Begoña", "987654321", "espalda", "MC-T"))
