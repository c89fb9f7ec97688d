"""Help for whoever wires a flow: the request to paste, and a dry run of a body."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Request, Security
from pydantic import BaseModel, ConfigDict, Field

from bridge.api.bodies import read_body
from bridge.api.parts import desk_of, parts_of
from bridge.api.problems import MissingKey, documented
from bridge.api.security import webhook_key
from bridge.api.webhooks import Taking
from bridge.errors import BridgeError, UnusableEvent
from bridge.events.clock import iso
from bridge.events.event import Event, EventType
from bridge.events.templates import TEMPLATES
from bridge.log import get_logger
from bridge.queue.names import queue_for

ASK_SECONDS = 2.0
ASK_LATER = "Odoo decides the stage and cannot be asked now; state_before is the mirror's memory."
SAYS_NOTHING = "Nothing in it is known but the contact: look at the names of its fields."
NO_RULE = "No rule of Odoo's stage mapping fits this state: the lead stays where it is."

router = APIRouter(tags=["flow help"], dependencies=[Security(webhook_key)])
_log = get_logger(__name__)


class Kind(StrEnum):
    """The webhooks, as their paths call them."""

    CONTACT = "contact"
    ASSIGNMENT = "campaign-assignment"
    STAGE = "stage-change"
    ADDRESS = "address"
    LEAD = "lead"


_OWN_STATES = {"state", "initial_state"}
_LOOKED_UP = {"campaign", "commercial", "medical", "advisor", "channel", "registered_at", "dates"}
_CHECKED = {"manychat_id": "MC99999", "stage_manychat": "Comienza Cotización"}
TYPES = {kind: EventType[kind.name] for kind in Kind}


class Template(BaseModel):
    """The fields of ManyChat's External Request, in its order."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "method": "POST",
                "url": "https://bridge.example.com/api/v1/manychat/webhook/contact",
                "headers": {"X-API-KEY": "<WEBHOOK_API_KEY>", "Content-Type": "application/json"},
                "body": dict(TEMPLATES[EventType.CONTACT]),
                "notes": [],
            }
        }
    )

    method: str = "POST"
    url: str
    headers: dict[str, str]
    body: dict[str, Any]
    notes: list[str] = [
        "Put a key of WEBHOOK_API_KEY in place of <WEBHOOK_API_KEY>.",
        "Replace each {{cuf_…}} by your own field with ManyChat's picker, or remove its line: "
        "one that stays counts as absent.",
        "The states and names that are written out are examples: write those of this step.",
    ]


class CheckAnswer(BaseModel):
    """What the body would do if it were posted. Nothing was kept, not even a dead letter."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "would be accepted",
                "stored": False,
                "queue": "manychat-campaign-queue",
                "manychat_id": "MC99999",
                "occurred_at": "2025-06-10T10:20:00.000000Z",
                "values": {"state": "Comienza Cotización"},
                "warnings": ["advisor_id: placeholder"],
                "lead": "update",
                "lead_id": 1287,
                "stage": "Comienza Atención Comercial",
                "next_stage": "Comienza Cotización",
                "rule": "Comienza Cotización",
                "odoo": "answers",
            }
        }
    )

    status: Annotated[str, Field(description="`would be accepted` or `would be refused`.")]
    stored: Annotated[bool, Field(description="Always false: this is a dry run.")] = False
    problem: Annotated[str, Field(description="Why it would be refused.")] = ""
    queue: str = ""
    manychat_id: str = ""
    occurred_at: str = ""
    values: Annotated[
        dict[str, Any], Field(description="Cleaned, by the bridge's own names; `false` clears.")
    ] = {}
    warnings: Annotated[
        list[str],
        Field(
            description="As a post would answer them, and each field that this webhook does not "
            "read: `unknown_field`, with the name that was probably meant, or `not_read_here`."
        ),
    ] = []
    lead: Annotated[
        str,
        Field(description="`create` or `update`; `unknown` where neither Odoo nor mirror answers."),
    ] = ""
    lead_id: int | None = None
    stage: Annotated[str | None, Field(description="Where the lead stands now.")] = None
    next_stage: Annotated[
        str | None, Field(description="Where it would stand, as Odoo says; null if it is away.")
    ] = None
    rule: Annotated[
        str | None, Field(description="The rule of Odoo's mapping that fits the state.")
    ] = None
    state_before: Annotated[
        str,
        Field(
            description="While Odoo is away, how it took this state last: `mapped`, `unmapped`, "
            "`never sent`."
        ),
    ] = ""
    odoo: Annotated[
        str, Field(description="`answers`, `away: code`, or `not configured`, asked just now.")
    ] = ""
    notes: list[str] = []


@router.get(
    "/manychat/webhook/{kind}/template",
    summary="The request to paste",
    responses=documented(MissingKey),
)
async def template(request: Request, kind: Kind) -> Template:
    """The External Request to paste into ManyChat."""
    here = request.url.path.removesuffix("/template")
    if kind is Kind.LEAD:
        here = here.replace("/manychat/webhook/", "/crm/webhook/")
    return Template(
        url=f"{request.url.scheme}://{request.url.netloc}{here}",
        headers={"X-API-KEY": "<WEBHOOK_API_KEY>", "Content-Type": "application/json"},
        body=dict(TEMPLATES[TYPES[kind]]),
    )


@router.post(
    "/manychat/webhook/{kind}/check",
    summary="Try a body, keeping nothing",
    responses=documented(MissingKey),
    openapi_extra={
        "requestBody": {
            "content": {"application/json": {"schema": {}, "example": _CHECKED}},
        }
    },
)
async def check(request: Request, kind: Kind, intake: Taking) -> CheckAnswer:
    """Say what this body would do, and store nothing."""
    body = await read_body(request.stream())
    type = TYPES[kind]
    try:
        event, scrubs = intake.preview(type, body, request.headers.get("content-type"))
    except UnusableEvent as error:
        return CheckAnswer(status="would be refused", problem=str(error))
    answer = CheckAnswer(
        status="would be accepted",
        queue=queue_for(type),
        manychat_id=event.manychat_id,
        occurred_at=iso(event.occurred_at),
        values={key: _shown(value) for key, value in event.values.items()},
        warnings=[scrub.text for scrub in scrubs],
        notes=[] if event.values else [SAYS_NOTHING],
    )
    await _ask_mirror(request, event, answer)
    await _ask_odoo(request, event, answer)
    return answer


async def _ask_mirror(request: Request, event: Event, answer: CheckAnswer) -> None:
    try:
        desk, ask = desk_of(request.app), parts_of(request.app).ask
        found = await ask(desk.lookup, event.manychat_id, seconds=ASK_SECONDS)
    except BridgeError as error:
        _log.warning("check_without_mirror", code=error.code)
        answer.lead = "unknown"
        return
    answer.lead = "update" if found and found.lead_id else "create"
    if found:
        answer.lead_id, answer.stage = found.lead_id, found.stage


async def _remember(request: Request, event: Event, answer: CheckAnswer) -> None:
    """Where Odoo cannot say which stage a state leads to, the mirror may know what it did last."""
    state = event.values.get("state")
    if not isinstance(state, str):
        return
    try:
        desk, ask = desk_of(request.app), parts_of(request.app).ask
        answer.state_before = await ask(desk.outcome_of_state, state, seconds=ASK_SECONDS)
    except BridgeError as error:
        _log.warning("check_without_mirror", code=error.code)


async def _ask_odoo(request: Request, event: Event, answer: CheckAnswer) -> None:
    parts = parts_of(request.app)
    if parts.odoo is None:
        answer.odoo = "not configured"
        await _remember(request, event, answer)
        return
    try:
        told = await parts.ask_odoo(parts.odoo.check, _as_sent(event), seconds=ASK_SECONDS)
    except BridgeError as error:
        answer.odoo = f"away: {error.code}"
        answer.notes.append(ASK_LATER)
        await _remember(request, event, answer)
        return
    answer.odoo = "answers"
    answer.lead_id, answer.stage = told.get("lead_id"), told.get("stage")
    answer.lead = "update" if answer.lead_id else "create"
    answer.next_stage, answer.rule = told.get("next_stage"), told.get("rule")
    if _OWN_STATES & event.values.keys() and answer.rule is None:
        answer.notes.append(NO_RULE)


def _as_sent(event: Event) -> dict[str, Any]:
    """The event as Odoo takes it, without what the mirror would have to look up first."""
    values = {key: _shown(value) for key, value in event.values.items() if key not in _LOOKED_UP}
    return {
        "event_id": event.event_id,
        "type": str(event.type),
        "manychat_id": event.manychat_id,
        "occurred_at": iso(event.occurred_at),
        "received_at": iso(event.received_at),
        "values": values,
    }


def _shown(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value
