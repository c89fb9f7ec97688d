"""The states that one contact went through."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Security
from pydantic import BaseModel, ConfigDict, Field

from bridge.api.asking import ask_desk
from bridge.api.problems import KeyTooNarrow, MirrorAway, MissingKey, NotFound, documented
from bridge.api.security import full_key

router = APIRouter(tags=["contacts"], dependencies=[Security(full_key)])


class HistoryStep(BaseModel):
    """One state; `changed` is false for a repeat of the state before it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "state": "Comienza Cotización",
                "category": None,
                "occurred_at": "2025-06-10T10:20:00Z",
                "received_at": "2025-06-10T10:20:01Z",
                "event_id": "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b",
                "changed": True,
            }
        }
    )

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
