"""The states that one contact went through."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Security
from pydantic import BaseModel, Field

from bridge.api.asking import ask_desk
from bridge.api.problems import KeyTooNarrow, MirrorAway, MissingKey, NotFound, documented
from bridge.api.security import full_key

router = APIRouter(tags=["contacts"], dependencies=[Security(full_key)])


class HistoryStep(BaseModel):
    """One state; `changed` is false for a repeat of the state before it."""

    state: str
    category: str | None
    occurred_at: Annotated[
        datetime | None, Field(description="When it happened; unknown for adopted rows.")
    ]
    received_at: datetime
    event_id: str | None
    changed: bool


@router.get(
    "/contacts/{id}/history", responses=documented(MissingKey, KeyTooNarrow, NotFound, MirrorAway)
)
async def contact_history(
    request: Request, id: Annotated[int, Path(ge=1, le=2**31 - 1)]
) -> list[HistoryStep]:
    """Every state the contact went through, in the order in which they happened."""
    steps = await ask_desk(request, lambda desk: desk.history(id))
    return [HistoryStep(**asdict(step)) for step in steps]
