"""Dead letters: look at what was given up, send it again, discard it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.api import problems
from bridge.api.asking import ask_desk, read_model, request_body
from bridge.api.record_rows import WholeDeadLetter
from bridge.api.records import add_list
from bridge.api.security import full_key
from bridge.api.webhooks import Taking
from bridge.errors import PermanentError
from bridge.events.event import EventType
from bridge.log import get_logger
from bridge.queue.names import queue_for

NAME = "dead-letters"
_SAY = ("event_id", "hop", "type", "reason")
_ONE_OF: list[Any] = [
    *({"required": [name], "properties": {name: {"type": "string"}}} for name in _SAY),
    {"required": ["all"], "properties": {"all": {"const": True}}},
]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]

router = APIRouter(prefix=f"/{NAME}", tags=[NAME], dependencies=[Security(full_key)])
_log = get_logger(__name__)
_COMMON = (problems.MissingKey, problems.KeyTooNarrow, problems.BadValue, problems.MirrorAway)
_ONE = problems.documented(*_COMMON, problems.NotFound)


class ReplayAnswer(BaseModel):
    """The event is on the road again, in this queue and with this revision."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "queued",
                "event_id": "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b",
                "revision": 1,
                "queue": "manychat-contact-queue",
            }
        }
    )

    status: str = "queued"
    event_id: str
    revision: int
    queue: str


class ReplayFilter(BaseModel):
    """Which of the letters that were not replayed yet; all that is given has to fit.

    `all` has to be said where nothing else is: an empty body replays nothing.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"hop": "api", "reason": "no_address"},
            "anyOf": _ONE_OF,
        },
    )

    all: Annotated[bool, Field(strict=True, description="Every letter that waits.")] = False
    event_id: Annotated[str, Field(max_length=64)] | None = None
    hop: Annotated[str, Field(max_length=64)] | None = None
    type: EventType | None = None
    reason: Annotated[
        str | None,
        Field(
            max_length=100,
            pattern=r"^[A-Za-z0-9_ :.-]+$",
            description="Its start; the class may be left out.",
        ),
    ] = None
    after: Annotated[
        int, Field(ge=0, le=2**31 - 1, strict=True, description="Only letters behind this id.")
    ] = 0
    limit: Annotated[int, Field(ge=1, le=500, strict=True)] = 100

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not self.all and all(getattr(self, name) is None for name in _SAY):
            raise ValueError(f'say which: {", ".join(_SAY)}, or {{"all": true}}')
        return self


class ReplaysAnswer(BaseModel):
    """What became of this call's letters; `left` is not 0: call again with `after` = `last_id`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "queued",
                "queued": 99,
                "skipped": {"7": "only a part of the body was kept: post it anew"},
                "left": 12,
                "last_id": 140,
            }
        }
    )

    status: str = "queued"
    queued: int
    skipped: Annotated[
        dict[int, str],
        Field(description="Letters whose body is not whole or of no use, and why."),
    ]
    left: int
    last_id: int


add_list(router, NAME, _COMMON)


@router.get(
    "/{id:int}",
    response_model=WholeDeadLetter,
    responses=problems.documented(*_COMMON, problems.NotFound),
)
async def read_letter(request: Request, id: Id) -> dict[str, Any]:
    """One dead letter with its raw body, which may hold personal data."""
    return await ask_desk(request, lambda desk: desk.dead_letter(id))


@router.delete(
    "/{id:int}", status_code=204, responses=problems.documented(*_COMMON, problems.NotFound)
)
async def discard_letter(request: Request, id: Id) -> Response:
    """Discard a dead letter for good."""
    await ask_desk(request, lambda desk: desk.remove(NAME, id))
    return Response(status_code=204)


@router.post(
    "/replay",
    status_code=202,
    responses=problems.documented(*_COMMON, problems.TooLarge, problems.Unavailable),
    openapi_extra=request_body(ReplayFilter, required=True),
)
async def replay_letters(request: Request, intake: Taking) -> ReplaysAnswer:
    """Send every letter again that fits, at most `limit`; each as `…/{id}/replay` does.

    422 for a body that does not say which letters: `{"all": true}` means every one that waits.
    503 where the queue and the inbox went away meanwhile: what was sent until then is noted.
    """
    asked = await read_model(request, ReplayFilter)
    found, left = await ask_desk(
        request, lambda desk: desk.replays(asked.model_dump(exclude={"all"}))
    )
    sent: list[int] = []
    try:
        for id, envelope in found:
            if not isinstance(envelope, PermanentError):
                await intake.keep(queue_for(envelope.type), envelope)
                sent.append(id)
    finally:
        await ask_desk(request, lambda desk: desk.mark_replayed(sent, datetime.now(UTC)))
        _log.info("dead_letters_replayed", count=len(sent))
    return ReplaysAnswer(
        queued=len(sent),
        skipped={id: why.detail for id, why in found if isinstance(why, PermanentError)},
        left=left,
        last_id=found[-1][0] if found else asked.after,
    )


@router.post(
    "/{id:int}/replay",
    status_code=202,
    responses=problems.documented(
        problems.MissingKey, problems.KeyTooNarrow, problems.NotFound, problems.Conflict,
        problems.BadValue, problems.Unavailable,
    ),
)  # fmt: skip
async def replay_letter(request: Request, id: Id, intake: Taking) -> ReplayAnswer:
    """Send the event again with its revision + 1; pressed twice, it is the same event.

    409 where the body was cut, is no JSON object, or names no contact or address: post it mended.
    """
    envelope = await ask_desk(request, lambda desk: desk.replay_of(id))
    queue = queue_for(envelope.type)
    await intake.keep(queue, envelope)
    await ask_desk(request, lambda desk: desk.mark_replayed([id], datetime.now(UTC)))
    _log.info("dead_letter_replayed", event_id=envelope.id, revision=envelope.revision)
    return ReplayAnswer(event_id=envelope.id, revision=envelope.revision, queue=queue)
