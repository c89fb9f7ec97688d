"""Spans: off and unimported by default, one trace an event, nothing of a person in them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from structlog.testing import capture_logs

from bridge import tracing
from bridge.events.envelope import Envelope
from bridge.settings import Settings
from tests.unit.api.conftest import Api, make_settings
from tests.unit.workers.fakes import envelope

ID = "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b"
CONNECTION = f"InstrumentationKey={ID};IngestionEndpoint=http://127.0.0.1:9/"
EXPORTER = "azure.monitor.opentelemetry.exporter"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.install(lambda _provider: SimpleSpanProcessor(exporter))
    yield exporter
    tracing.close()


def test_while_it_is_off_the_sdk_is_not_even_imported() -> None:
    code = (
        "import sys, bridge.api.app, bridge.workers.parts\n"
        "from bridge import tracing\n"
        "with tracing.receiving('x', 'contact') as parent: assert parent is None\n"
        "tracing.passed('mirror', 'x', tracing.now(), 'mirrored')\n"
        "assert not any(name.startswith('opentelemetry.sdk') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  (our own words)


def test_every_hop_of_an_event_is_one_trace_under_its_reception(
    spans: InMemorySpanExporter,
) -> None:
    with tracing.receiving(ID, "contact") as parent:
        assert parent == f"00-{UUID(ID).hex}-{parent.split('-')[2]}-01"
        tracing.passed("queue", ID, tracing.now(), "sent", parent)
    tracing.passed("mirror", ID, tracing.now(), "mirrored", parent)
    tracing.passed("odoo", ID, tracing.now(), "created")  # the outbox carries the event only
    found = {span.name: span for span in spans.get_finished_spans()}
    root = found.pop("webhook")
    assert root.parent is None
    assert {span.context.trace_id for span in (root, *found.values())} == {UUID(ID).int}
    assert {span.parent.span_id for span in found.values()} == {root.context.span_id}
    assert len({span.context.span_id for span in (root, *found.values())}) == 4


def test_a_trace_that_came_with_the_envelope_is_gone_on_with(spans: InMemorySpanExporter) -> None:
    tracing.passed("mirror", ID, tracing.now(), "mirrored", f"00-{'a' * 32}-{'b' * 16}-01")
    [span] = spans.get_finished_spans()
    assert (span.context.trace_id, span.parent.span_id) == (int("a" * 32, 16), int("b" * 16, 16))


@pytest.mark.parametrize("given", ["", "junk", f"00-{'0' * 32}-{'0' * 16}-01"])
def test_a_traceparent_of_no_form_falls_back_to_the_event(
    spans: InMemorySpanExporter, given: str
) -> None:
    tracing.passed("mirror", ID, tracing.now(), "mirrored", given)
    [span] = spans.get_finished_spans()
    assert span.context.trace_id == UUID(ID).int


def test_an_id_that_is_no_uuid_has_a_trace_too(spans: InMemorySpanExporter) -> None:
    for _ in range(2):
        tracing.passed("mirror", "message-1", tracing.now(), "mirrored")
    first, second = spans.get_finished_spans()
    assert first.context.trace_id == second.context.trace_id != 0


def test_a_failed_reception_names_the_class_and_no_text(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="Rosa"), tracing.receiving(ID, "contact"):
        raise ValueError("Rosa Huamán")
    [span] = spans.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert span.events == ()
    assert "Rosa" not in span.to_json()


async def test_a_webhook_hands_its_trace_on_in_the_envelope(
    api: Api, spans: InMemorySpanExporter
) -> None:
    body = {"manychat_id": "1", "nombre_lead": "Rosa", "whatsapp": "987654321"}
    answer = await api.post("/api/v1/manychat/webhook/contact", body)
    [(_, kept)] = api.sender.kept
    assert kept.traceparent is not None
    assert kept.traceparent.split("-")[1] == UUID(answer.json["event_id"]).hex
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    assert {span.name for span in spans.get_finished_spans()} == {"webhook", "queue"}
    assert not any(secret in told for secret in ("Rosa", "987654321"))


async def test_the_inbox_keeps_the_trace(api: Api, spans: InMemorySpanExporter) -> None:
    api.sender.away()
    await api.post("/api/v1/manychat/webhook/contact", {"manychat_id": "1"})
    [(_, kept)] = api.inbox.kept
    assert kept.traceparent is not None
    assert {span.name for span in spans.get_finished_spans()} == {"webhook", "inbox"}


async def test_off_an_envelope_says_nothing_of_it(api: Api) -> None:
    await api.post("/api/v1/manychat/webhook/contact", {"manychat_id": "1"})
    [(_, kept)] = api.sender.kept
    assert kept.traceparent is None
    assert "traceparent" not in kept.dumps()


@pytest.mark.parametrize("given", [None, 7, "junk", {"a": 1}, "00-x"])
def test_an_envelope_with_a_strange_or_no_traceparent_is_read(given: Any) -> None:
    text = envelope().dumps()[:-1] + ("}" if given is None else f',"traceparent":{given!r}}}')
    assert Envelope.loads(text.replace("'", '"')).traceparent is None


def test_without_the_extra_it_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, EXPORTER, None)
    with capture_logs() as logs:
        tracing.configure(configured(), "test")
    assert [log["event"] for log in logs] == ["tracing_unavailable"]
    assert tracing._on is None


def test_a_wrong_connection_string_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection_string: str, tracer_provider: object) -> None:
        raise ValueError(f"bad {connection_string}")

    fake(monkeypatch, refuse)
    with capture_logs() as logs:
        tracing.configure(configured(), "test")
    assert [log["event"] for log in logs] == ["tracing_unavailable"]
    assert ID not in str(logs)


def test_with_the_extra_spans_are_sent_and_flushed_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exporter = InMemorySpanExporter()
    given: list[str] = []

    def make(connection_string: str, tracer_provider: Any) -> InMemorySpanExporter:
        assert tracer_provider.resource.attributes["service.name"] == "miasalud-test"
        given.append(connection_string)
        return exporter

    fake(monkeypatch, make)
    tracing.configure(configured(), "miasalud-test")
    tracing.passed("mirror", ID, tracing.now(), "mirrored")
    tracing.close()
    [span] = exporter.get_finished_spans()
    assert given == [CONNECTION]
    assert span.resource.attributes["service.name"] == "miasalud-test"


def configured() -> Settings:
    return make_settings(applicationinsights_connection_string=CONNECTION)


def fake(monkeypatch: pytest.MonkeyPatch, exporter: Any) -> None:
    """The extra's module, with this in the place of its exporter."""
    module = ModuleType(EXPORTER)
    module.AzureMonitorTraceExporter = exporter  # type: ignore[attr-defined]
    parts = EXPORTER.split(".")
    for end in range(2, len(parts)):
        name = ".".join(parts[:end])
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, EXPORTER, module)
