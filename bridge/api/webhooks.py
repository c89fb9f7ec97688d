"""ManyChat's webhooks: one route a kind, each with the aliases that older flows use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Security
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from bridge.api.bodies import read_body
from bridge.api.intake import Intake
from bridge.api.parts import parts_of, settings_of
from bridge.api.problems import BodyTooLarge, MissingKey, Unavailable, UnusableBody, documented
from bridge.api.security import webhook_key
from bridge.events.event import EventType
from bridge.events.payloads import body_schema
from bridge.events.reading import Rules

router = APIRouter(tags=["webhooks"], dependencies=[Security(webhook_key)])


class AcceptedAnswer(BaseModel):
    """Flat texts, so that a ManyChat flow can map them by JSONPath."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "accepted",
                "event_id": "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b",
                "manychat_id": "MC99999",
                "queue": "manychat-contact-queue",
                "warnings": "",
            }
        }
    )

    status: str = "accepted"
    event_id: str
    manychat_id: str
    queue: str
    warnings: str


class VerifyAnswer(BaseModel):
    """The webhook is alive, and these are its endpoints."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"status": "ok", "endpoints": ["POST /api/v1/manychat/webhook/contact"]}
        }
    )

    status: str = "ok"
    endpoints: list[str]


async def intake_of(request: Request) -> Intake:
    """The intake over the app's parts."""
    # FastAPI would give a plain function a thread, which costs as much as reading the body
    rules = Rules.from_settings(settings_of(request.app))
    return Intake(parts_of(request.app), rules, lambda: datetime.now(UTC))


Taking = Annotated[Intake, Depends(intake_of)]
IdempotencyKey = Annotated[
    str | None, Header(alias="idempotency-key", description="The same id and body: the same event.")
]


def _documented(type: EventType) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": body_schema(type)}}}
    return {
        "status_code": 202,
        "response_model": AcceptedAnswer,
        "responses": documented(MissingKey, BodyTooLarge, UnusableBody, Unavailable),
        "openapi_extra": {"requestBody": body},
    }


@router.post("/manychat/webhook/contact", **_documented(EventType.CONTACT))
async def post_contact(
    request: Request, intake: Taking, idempotency_key: IdempotencyKey = None
) -> AcceptedAnswer:
    """A contact; it makes the lead by itself."""
    return await _take(EventType.CONTACT, request, intake, idempotency_key)


@router.post(
    "/manychat/webhook/campaign-contact-assign",
    **_documented(EventType.ASSIGNMENT),
    include_in_schema=False,
)
@router.post("/manychat/webhook/campaign-assignment", **_documented(EventType.ASSIGNMENT))
async def post_assignment(
    request: Request, intake: Taking, idempotency_key: IdempotencyKey = None
) -> AcceptedAnswer:
    """A campaign and its advisors (alias: `…/campaign-contact-assign`)."""
    return await _take(EventType.ASSIGNMENT, request, intake, idempotency_key)


@router.post("/crm/webhook/stage-change", **_documented(EventType.STAGE), include_in_schema=False)
@router.post("/manychat/webhook/stage-change", **_documented(EventType.STAGE))
async def post_stage_change(
    request: Request, intake: Taking, idempotency_key: IdempotencyKey = None
) -> AcceptedAnswer:
    """A state that the contact has reached (alias: `/crm/webhook/stage-change`)."""
    return await _take(EventType.STAGE, request, intake, idempotency_key)


@router.post("/manychat/webhook/address", **_documented(EventType.ADDRESS))
async def post_address(
    request: Request, intake: Taking, idempotency_key: IdempotencyKey = None
) -> AcceptedAnswer:
    """A contact's address, in whole or in part."""
    return await _take(EventType.ADDRESS, request, intake, idempotency_key)


@router.post("/crm/webhook/lead", **_documented(EventType.LEAD))
async def post_lead(
    request: Request, intake: Taking, idempotency_key: IdempotencyKey = None
) -> AcceptedAnswer:
    """The predecessor's lead event: contact, advisors and state in one body."""
    return await _take(EventType.LEAD, request, intake, idempotency_key)


@router.get(
    "/manychat/webhook/verify", summary="Is the webhook alive?", responses=documented(MissingKey)
)
async def verify(request: Request) -> VerifyAnswer:
    """Says that the webhook is alive, and lists the endpoints.

    `…/{kind}/template` gives the request to paste, `…/{kind}/check` tries a body.
    """
    prefix = request.url.path.removesuffix("/manychat/webhook/verify")
    routes = (route for route in router.routes if isinstance(route, APIRoute))
    endpoints = [
        f"{method} {prefix}{route.path}" for route in routes for method in route.methods or ()
    ]
    return VerifyAnswer(endpoints=sorted(endpoints))


async def _take(
    type: EventType, request: Request, intake: Intake, idempotency_key: str | None
) -> AcceptedAnswer:
    body = await read_body(request.stream())
    accepted = await intake.take(type, body, request.headers.get("content-type"), idempotency_key)
    return AcceptedAnswer(
        event_id=accepted.event_id,
        manychat_id=accepted.manychat_id,
        queue=accepted.queue,
        warnings=", ".join(scrub.text for scrub in accepted.scrubs),
    )
