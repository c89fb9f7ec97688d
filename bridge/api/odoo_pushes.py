"""Push again what Odoo has not taken, and the addon's hint that it has news."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Security
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bridge.api import problems
from bridge.api.asking import ask_desk, read_model, request_body
from bridge.api.bodies import read_body
from bridge.api.security import full_key
from bridge.log import get_logger

router = APIRouter(prefix="/odoo", tags=["odoo"], dependencies=[Security(full_key)])
_log = get_logger(__name__)


class PushBody(BaseModel):
    """Whose events; without a body, or without an id, those of all contacts."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"manychat_id": "MC99999"}}
    )

    manychat_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None


class PushAnswer(BaseModel):
    """`due` is the number of events that the crm worker sends to Odoo now."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"status": "accepted", "manychat_id": "MC99999", "due": 2}}
    )

    status: str = "accepted"
    manychat_id: Annotated[str, Field(description="Empty: all contacts.")]
    due: int


class HintAnswer(BaseModel):
    """The hint was heard."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "accepted"}})

    status: str = "accepted"


@router.post(
    "/sync",
    summary="Push to Odoo again",
    status_code=202,
    responses=problems.documented(
        problems.MissingKey, problems.KeyTooNarrow, problems.NotFound, problems.TooLarge,
        problems.BadValue, problems.MirrorAway,
    ),
    openapi_extra=request_body(PushBody),
)  # fmt: skip
async def push_to_odoo(request: Request) -> PushAnswer:
    """Send everything again that is `pending` or `error`, parked events too, from their first try.

    404 for a contact that the mirror does not know.
    """
    asked = await read_model(request, PushBody)
    due = await ask_desk(request, lambda desk: desk.push_again(asked.manychat_id))
    _log.info("push_wanted", count=due)
    return PushAnswer(manychat_id=asked.manychat_id or "", due=due)


@router.post(
    "/webhook",
    summary="Hear that Odoo has news",
    status_code=202,
    responses=problems.documented(problems.MissingKey, problems.KeyTooNarrow, problems.MirrorAway),
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": {}, "example": {"cursor": 7}}}}
    },
)
async def hear_hint(request: Request) -> HintAnswer:
    """The addon says that its change feed has news: it is read at once, and not within a second.

    Whatever the body, it is only a hint; one that is lost loses nothing.
    """
    await read_body(request.stream())
    await ask_desk(request, lambda desk: desk.hear_hint())
    _log.info("odoo_hint")
    return HintAnswer()
