"""One event's way through all hops as one OpenTelemetry trace; off unless configured.

The event's id is the trace's id, so a hop needs nothing but the event to go on with its trace:
what lay in the inbox, the outbox or the dead letters for days belongs to it still. Spans carry
event ids, hops and codes, nothing of a person. While it is off the SDK is not even imported.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from bridge.log import get_logger
from bridge.settings import Settings

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_log = get_logger(__name__)
_next_ids: ContextVar[tuple[int, int] | None] = ContextVar("next_ids", default=None)


@dataclass(frozen=True)
class _Tracing:
    """What is there once it is on: the SDK's provider and tracer, and the API's module."""

    provider: Any
    tracer: Any
    api: Any


_on: _Tracing | None = None


def configure(settings: Settings, service: str) -> None:
    """Send spans to Application Insights where the settings name one; else nothing.

    Without the extra `azure-monitor` it says so in the log, and the road goes on.
    """
    secret = settings.applicationinsights_connection_string
    if secret is None:
        return
    try:
        from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415  (an extra)
            AzureMonitorTraceExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        _log.warning("tracing_unavailable", reason="install requirements-azure-monitor.txt")
        return
    text = secret.get_secret_value()
    try:
        install(
            lambda provider: BatchSpanProcessor(
                # without its provider it would ask a global one, which is not ours
                AzureMonitorTraceExporter(connection_string=text, tracer_provider=provider)
            ),
            service,
        )
    except ValueError:  # its text would hold the connection string
        _log.warning("tracing_unavailable", setting="APPLICATIONINSIGHTS_CONNECTION_STRING")
        return
    _log.info("tracing_started")


def install(processor_for: Callable[[Any], Any], service: str = "miasalud") -> None:
    """Turn tracing on; spans go to the processor that is made for the new provider."""
    global _on  # noqa: PLW0603  (one process, one tracing)
    from opentelemetry import trace  # noqa: PLC0415  (only where it is on)
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415

    class EventIds(RandomIdGenerator):
        """An event's first span has the ids that follow from the event."""

        def generate_trace_id(self) -> int:
            given = _next_ids.get()
            return given[0] if given else super().generate_trace_id()

        def generate_span_id(self) -> int:
            given = _next_ids.get()
            return given[1] if given else super().generate_span_id()

    resource = Resource.create({"service.name": service})
    provider = TracerProvider(resource=resource, id_generator=EventIds())
    provider.add_span_processor(processor_for(provider))
    _on = _Tracing(provider, provider.get_tracer("bridge"), trace)


def close() -> None:
    """Send what is left, and turn tracing off."""
    global _on  # noqa: PLW0603
    if _on is not None:
        _on.provider.shutdown()
        _on = None


@contextmanager
def receiving(event_id: str, kind: str) -> Iterator[str | None]:
    """An event's first span, around its reception; with it the W3C `traceparent` to hand on."""
    if _on is None:
        yield None
        return
    ids = _ids_of(event_id)
    token = _next_ids.set(ids)
    try:
        span = _on.tracer.start_span(
            "webhook", kind=_on.api.SpanKind.SERVER, record_exception=False,
            attributes={"event.id": event_id, "event.kind": kind},
        )  # fmt: skip
    finally:
        _next_ids.reset(token)
    try:
        yield f"00-{ids[0]:032x}-{ids[1]:016x}-01"
    except BaseException as error:
        # only its class: a text may quote the event
        span.set_status(_on.api.StatusCode.ERROR, type(error).__name__)
        raise
    finally:
        span.end()


def passed(
    hop: str, event_id: str, began: int, outcome: str, traceparent: str | None = None
) -> None:
    """A hop that the event has behind it; `began` as `now()` told it, `outcome` a code."""
    if _on is None:
        return
    trace = _on.api
    trace_id, span_id = _ids_in(traceparent) or _ids_of(event_id)
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    parent = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)
    span = _on.tracer.start_span(
        hop, context=trace.set_span_in_context(trace.NonRecordingSpan(parent)),
        kind=trace.SpanKind.CONSUMER, start_time=began,
        attributes={"event.id": event_id, "outcome": outcome},
    )  # fmt: skip
    span.end()


def now() -> int:
    """Nanoseconds since 1970, as spans count them."""
    return time.time_ns()


def is_traceparent(text: object) -> bool:
    """Whether it is a W3C traceparent of version 00."""
    return isinstance(text, str) and _TRACEPARENT.fullmatch(text) is not None


def _ids_in(traceparent: str | None) -> tuple[int, int] | None:
    found = _TRACEPARENT.fullmatch(traceparent or "")
    ids = (int(found[1], 16), int(found[2], 16)) if found else None
    return ids if ids and all(ids) else None


def _ids_of(event_id: str) -> tuple[int, int]:
    """Trace and first span of an event; an id that is no UUID stands for one."""
    digest = sha256(event_id.encode()).digest()
    try:
        trace_id = UUID(event_id).int
    except ValueError:
        trace_id = 0
    return trace_id or int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
