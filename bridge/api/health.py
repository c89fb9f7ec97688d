"""Whether the process lives, whether it can take webhooks, and its counters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, Security
from pydantic import BaseModel, ConfigDict

from bridge import metrics
from bridge.api.parts import Parts, parts_of, settings_of
from bridge.api.problems import KeyTooNarrow, MissingKey, NotReady, documented
from bridge.api.security import full_header, full_key
from bridge.log import get_logger
from bridge.queue.names import QUEUES

PING_SECONDS = 2.0
EXAMPLE = 'bridge_webhooks_total{kind="contact",outcome="accepted_queue"} 42.0'

router = APIRouter(tags=["health"])
metrics_router = APIRouter(tags=["health"])
_log = get_logger(__name__)


class Status(BaseModel):
    """One word, no detail: these routes take no key."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok"}})

    status: str


@router.get("/health")
async def health() -> Status:
    """The process is alive."""
    return Status(status="ok")


@router.get("/ready", responses=documented(NotReady))
async def ready(request: Request) -> Status:
    """It can accept: the queue or the inbox answers."""
    parts = parts_of(request.app)
    answers = await asyncio.gather(*_pings(parts))
    if not any(answers):
        raise NotReady
    return Status(status="ready")


def _pings(parts: Parts) -> tuple[Awaitable[bool], ...]:
    return (
        _answers("queue", parts.sender.ping()),
        _answers("inbox", parts.in_thread(parts.inbox.ping)),
    )


async def _answers(part: str, ping: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping
    except Exception:  # noqa: BLE001  (any failure of a probe means: it does not answer)
        _log.warning("part_away", part=part, exc_info=True)
        return False
    return True


async def _metrics_key(request: Request, key: Annotated[str | None, Security(full_header)]) -> None:
    if not settings_of(request.app).metrics_public:
        await full_key(request, key)


@metrics_router.get(
    "/metrics",
    dependencies=[Depends(_metrics_key)],
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"example": EXAMPLE}}},
        **documented(MissingKey, KeyTooNarrow),
    },
)
async def metrics_page(request: Request) -> Response:
    """Prometheus' text format; takes the key unless `METRICS_PUBLIC` is true."""
    await _measure_queues(parts_of(request.app))
    body, content_type = metrics.render()
    return Response(body, media_type=content_type)


async def _measure_queues(parts: Parts) -> None:
    """How long each queue's next message has waited: a worker that is dead cannot show it."""
    metrics.QUEUE_AGE.clear()
    for hop, queue in QUEUES.items():
        try:
            async with asyncio.timeout(PING_SECONDS):
                seconds = await parts.sender.waiting_seconds(queue)
        except Exception:  # noqa: BLE001  (the other numbers are shown all the same)
            _log.warning("queue_not_measured", queue=queue, exc_info=True)
            return
        metrics.QUEUE_AGE.labels(hop).set(seconds)
