"""Dead letters: look at what was given up, send it again, discard it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response, Security
from pydantic import BaseModel

from bridge.api import problems
from bridge.api.asking import ask_desk
from bridge.api.record_lists import parameters
from bridge.api.records import list_of
from bridge.api.security import full_key
from bridge.api.webhooks import Taking
from bridge.log import get_logger
from bridge.queue.names import queue_for

NAME = "dead-letters"
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]

router = APIRouter(prefix=f"/{NAME}", tags=[NAME], dependencies=[Security(full_key)])
_log = get_logger(__name__)
_COMMON = (problems.MissingKey, problems.KeyTooNarrow, problems.BadValue, problems.MirrorAway)


class ReplayAnswer(BaseModel):
    """The event is on the road again, in this queue and with this revision."""

    status: str = "queued"
    event_id: str
    revision: int
    queue: str


router.add_api_route(
    "/",
    list_of(NAME),
    methods=["GET"],
    responses=problems.documented(*_COMMON),
    openapi_extra={"parameters": parameters(NAME)},
)


@router.get("/{id}", responses=problems.documented(*_COMMON, problems.NotFound))
async def read_letter(request: Request, id: Id) -> dict[str, Any]:
    """One dead letter with its raw body, which may hold personal data."""
    return await ask_desk(request, lambda desk: desk.dead_letter(id))


@router.delete("/{id}", status_code=204, responses=problems.documented(*_COMMON, problems.NotFound))
async def discard_letter(request: Request, id: Id) -> Response:
    """Discard a dead letter for good."""
    await ask_desk(request, lambda desk: desk.remove(NAME, id))
    return Response(status_code=204)


@router.post(
    "/{id}/replay",
    status_code=202,
    responses=problems.documented(
        problems.MissingKey, problems.KeyTooNarrow, problems.NotFound, problems.Conflict,
        problems.BadValue, problems.Unavailable,
    ),
)  # fmt: skip
async def replay_letter(request: Request, id: Id, intake: Taking) -> ReplayAnswer:
    """Send the event again with its revision + 1; pressed twice, it is the same event.

    409 where the body was cut or is no JSON object: post that one anew.
    """
    envelope = await ask_desk(request, lambda desk: desk.replay_of(id))
    queue = queue_for(envelope.type)
    await intake.keep(queue, envelope)
    await ask_desk(request, lambda desk: desk.mark_replayed(id, datetime.now(UTC)))
    _log.info("dead_letter_replayed", event_id=envelope.id, revision=envelope.revision)
    return ReplayAnswer(event_id=envelope.id, revision=envelope.revision, queue=queue)
