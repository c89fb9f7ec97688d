"""A partial update of a contact's campaign, by ManyChat id: done at once, or queued."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from bridge.api import problems
from bridge.api.asking import read_object
from bridge.api.parts import desk_of, parts_of, settings_of
from bridge.api.record_bodies import CampaignContactFields, read_only_in, schema_of
from bridge.api.record_rows import CampaignContactRow
from bridge.api.security import full_key
from bridge.api.webhooks import Taking
from bridge.errors import BridgeError, PermanentError, UnusableEvent
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.events.reading import Rules, accept, read_event
from bridge.log import get_logger
from bridge.queue.names import queue_for

UPDATE_SECONDS = 5.0

router = APIRouter(tags=["campaign-contacts"], dependencies=[Security(full_key)])
_log = get_logger(__name__)


class UpdateBody(CampaignContactFields):
    """What is absent stays, `null` clears; advisors also by Odoo id or e-mail, campaigns by name.

    A campaign that is not there is made; without `campaign_id` the campaign in force is meant.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "manychat_id": "MC99999",
                "campaign_id": 85,
                "medical_advisor_id": 101,
                "medical_assignment_date": "2025-06-10T11:00:00Z",
                "last_state": "Asignado a médico",
                "summary": "Conversación finalizada, cliente agendó consulta.",
            }
        },
    )

    manychat_id: str | int
    campaign_id: str | int | None = None
    # wider than in a record: a flow knows what ManyChat knows
    commercial_advisor_id: str | int | None = None  # type: ignore[assignment]
    medical_advisor_id: str | int | None = None  # type: ignore[assignment]


class UpdateAnswer(BaseModel):
    """`status` is `updated`, or `queued`: the contact is unknown yet, or the mirror away."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "queued",
                "event_id": "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b",
                "manychat_id": "MC99999",
                "queue": "manychat-campaign-queue",
                "warnings": "",
                "campaign_contact": None,
            }
        }
    )

    status: str
    event_id: str
    manychat_id: str
    queue: str = ""
    warnings: str = ""
    campaign_contact: Annotated[
        CampaignContactRow | None, Field(description="The row of the campaign in force.")
    ] = None


@router.put(
    "/manychat/campaign-contacts/update-by-manychat-id",
    responses={
        202: {"model": UpdateAnswer, "description": "Kept; a worker applies it."},
        **problems.documented(
            problems.MissingKey, problems.KeyTooNarrow, problems.TooLarge, problems.BadValue,
            problems.Unavailable,
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema_of(UpdateBody)}},
        }
    },
)  # fmt: skip
async def update_by_manychat_id(
    request: Request, response: Response, intake: Taking
) -> UpdateAnswer:
    """Write some fields of the contact's campaign."""
    given = await read_object(request)
    if wrong := read_only_in(given):
        raise problems.BadValue(f"read-only: {', '.join(wrong)}")
    rules = Rules.from_settings(settings_of(request.app))
    try:
        envelope = accept(EventType.UPDATE, given, None, datetime.now(UTC), rules)
        event = read_event(envelope, rules)
    except UnusableEvent as error:
        raise problems.BadValue(error.detail, code=error.code) from None
    answer = UpdateAnswer(
        status="updated",
        event_id=event.event_id,
        manychat_id=event.manychat_id,
        warnings=", ".join(scrub.text for scrub in event.scrubs),
    )
    known, row = await _apply(request, event, envelope)
    answer.campaign_contact = CampaignContactRow.model_validate(row) if row else None
    if not known:
        answer.status, answer.queue = "queued", queue_for(EventType.UPDATE)
        await intake.keep(answer.queue, envelope)
        response.status_code = 202
    return answer


async def _apply(
    request: Request, event: Event, envelope: Envelope
) -> tuple[bool, dict[str, Any] | None]:
    """Whether it was applied, and the row; if it was after all, the queued one does nothing."""
    try:
        desk = desk_of(request.app)
        return await parts_of(request.app).ask(
            desk.update, event, envelope, event.received_at, seconds=UPDATE_SECONDS
        )
    except PermanentError as error:
        raise problems.problem_of(error) from None
    except BridgeError as error:
        _log.warning("update_queued", event_id=event.event_id, code=error.code)
        return False, None
