"""Reports for people: every dependency in detail, and numbers about the mirror."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from fastapi import APIRouter, Request, Response, Security
from pydantic import BaseModel, ConfigDict

from bridge import __version__
from bridge.api.asking import ask_desk
from bridge.api.parts import Parts, desk_of, parts_of
from bridge.api.problems import KeyTooNarrow, MirrorAway, MissingKey, documented
from bridge.api.security import full_key
from bridge.errors import AwayError, BridgeError
from bridge.log import get_logger
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, DEAD_LETTER_QUEUE

PART_SECONDS = 3.0
OK, AWAY, OUTDATED, NOT_CONFIGURED = "ok", "away", "outdated", "not configured"

router = APIRouter(prefix="/reports", tags=["reports"], dependencies=[Security(full_key)])
_log = get_logger(__name__)


class PartReport(BaseModel):
    """One dependency, asked just now; `code` says why it does not answer.

    The mirror's `reconciliation` is what the last comparison with Odoo found, null before any.
    `receive_lag_seconds` of the queue is how long the message that comes next has waited.
    """

    status: str
    code: str = ""
    latency_ms: float | None = None
    detail: dict[str, Any] = {}


class HealthReport(BaseModel):
    """`status` is `ok` only if every configured part is."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "ok",
                "version": "0.1.0",
                "parts": {
                    "queue": {
                        "status": "ok",
                        "code": "",
                        "latency_ms": 4.6,
                        "detail": {"manychat-contact-queue": 3, "receive_lag_seconds": 0.8},
                    },
                    "mirror": {
                        "status": "ok",
                        "code": "",
                        "latency_ms": 3.1,
                        "detail": {
                            "contacts_success": 4012,
                            "inbox": 0,
                            "erasures_owed": 0,
                            "reconciliation": {
                                "finished_at": "2025-10-20T22:41:00.000000Z",
                                "checked": 4014,
                                "differences": 1,
                                "older_in_odoo": 1,
                                "fixed": False,
                                "left": 1,
                            },
                        },
                    },
                },
            }
        }
    )

    status: str
    version: str
    parts: dict[str, PartReport]


class LagReport(BaseModel):
    """Seconds; null without any event."""

    median: float | None
    worst: float | None


class StatisticsReport(BaseModel):
    """Counts by name; `states` counts history rows, `…_24h` those of the last day."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "contacts_by_channel": {"WhatsApp": 3100, "Facebook": 912},
                "contacts_by_stage": {"Comienza Cotización": 220},
                "contacts_by_sync_status": {"success": 4012},
                "states": {"Comienza Cotización": 431},
                "unmapped_states": {"Estado nuevo": 3},
                "events_24h": {"contact": 310, "stage": 612},
                "events_last_hour": 48,
                "lag_to_mirror": {"median": 0.4, "worst": 2.8},
                "lag_to_odoo": {"median": 1.1, "worst": 9.7},
                "scrubbed_fields_24h": {"apellido_lead: placeholder": 17},
            }
        }
    )

    contacts_by_channel: dict[str, int]
    contacts_by_stage: dict[str, int]
    contacts_by_sync_status: dict[str, int]
    states: dict[str, int]
    unmapped_states: dict[str, int]
    events_24h: dict[str, int]
    events_last_hour: int
    lag_to_mirror: LagReport
    lag_to_odoo: LagReport
    scrubbed_fields_24h: dict[str, int]


@router.get(
    "/health",
    responses={
        503: {"model": HealthReport, "description": "A part is away or outdated."},
        **documented(MissingKey, KeyTooNarrow),
    },
)
async def health_report(request: Request, response: Response) -> HealthReport:
    """Every dependency: whether it answers, how fast, and what it says of itself."""
    parts = parts_of(request.app)
    queue, mirror, odoo = await asyncio.gather(
        _asked(lambda: _queue(parts)),
        _asked(lambda: _mirror(request)),
        _asked(lambda: _odoo(parts)),
    )
    found = {"queue": queue, "mirror": mirror, "odoo": odoo}
    well = all(part.status in {OK, NOT_CONFIGURED} for part in found.values())
    response.status_code = 200 if well else 503
    return HealthReport(status=OK if well else "not ok", version=__version__, parts=found)


@router.get("/statistics", responses=documented(MissingKey, KeyTooNarrow, MirrorAway))
async def statistics_report(request: Request) -> StatisticsReport:
    """Numbers about contacts, states, the last day, delays and mended fields."""
    found = await ask_desk(request, lambda desk: desk.statistics(datetime.now(UTC)))
    return StatisticsReport.model_validate(found, from_attributes=True)


async def _asked(ask: Callable[[], Awaitable[PartReport]]) -> PartReport:
    started = perf_counter()
    try:
        async with asyncio.timeout(PART_SECONDS):
            report = await ask()
    except BridgeError as error:
        return PartReport(status=AWAY, code=error.code)
    except Exception as error:  # noqa: BLE001  (a report tells every failure, and fails never)
        _log.warning("report_part_failed", exc_info=True)
        code = "no_answer_in_time" if isinstance(error, TimeoutError) else "unforeseen"
        return PartReport(status=AWAY, code=code)
    if report.status != NOT_CONFIGURED:
        report.latency_ms = round((perf_counter() - started) * 1000, 1)
    return report


async def _queue(parts: Parts) -> PartReport:
    work, sender = (CONTACT_QUEUE, CAMPAIGN_QUEUE), parts.sender
    names = (*work, DEAD_LETTER_QUEUE)
    depths = await asyncio.gather(*(sender.depth(name) for name in names))
    lags = await asyncio.gather(*(sender.waiting_seconds(name) for name in work))
    by_queue = {name: round(lag, 1) for name, lag in zip(work, lags, strict=True)}
    told = {
        "receive_lag_seconds": max(by_queue.values()), "receive_lag_by_queue": by_queue,
        "breaker_open": sender.is_shut,
    }  # fmt: skip
    return PartReport(status=OK, detail=dict(zip(names, depths, strict=True)) | told)


async def _mirror(request: Request) -> PartReport:
    ask, desk = parts_of(request.app).ask, desk_of(request.app)
    if not await ask(desk.is_current, seconds=PART_SECONDS):
        return PartReport(status=OUTDATED, code="schema_outdated")
    detail: dict[str, Any] = dict(await ask(desk.counts, seconds=PART_SECONDS))
    compared = await ask(desk.reconciliation, seconds=PART_SECONDS)
    return PartReport(status=OK, detail=detail | {"reconciliation": compared})


async def _odoo(parts: Parts) -> PartReport:
    if parts.odoo is None:
        return PartReport(status=NOT_CONFIGURED)
    health = await parts.ask_odoo(parts.odoo.health, seconds=PART_SECONDS)
    if not health:
        raise AwayError("odoo_bad_answer")
    shown = {key: health.get(key) for key in ("addon", "version", "series", "mappings", "unmapped")}
    return PartReport(status=OK, detail=shown)
