"""What a ManyChat flow asks about one contact: flat texts, and an answer whatever is away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Security
from pydantic import BaseModel, ConfigDict, Field

from bridge.api.parts import desk_of, parts_of
from bridge.api.problems import MissingKey, documented
from bridge.api.security import webhook_key
from bridge.events.cleaning.text import clean_id
from bridge.log import get_logger

LOOKUP_SECONDS = 2.0
YES, NO, UNKNOWN = "sí", "no", "desconocido"

router = APIRouter(tags=["look-up"], dependencies=[Security(webhook_key)])
old_router = APIRouter(tags=["look-up"], dependencies=[Security(webhook_key)])
_log = get_logger(__name__)


class ContactAnswer(BaseModel):
    """Texts only; one that is not known is empty."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "existe": "sí",
                "manychat_id": "MC99999",
                "lead_id": "1287",
                "etapa": "Comienza Cotización",
                "asesor_comercial": "Ana Ruiz",
                "asesor_medico": "",
                "ultimo_estado": "Comienza Cotización",
                "sync_status": "success",
            }
        }
    )

    existe: Annotated[str, Field(description="`sí`, `no`, or `desconocido`: the mirror is away.")]
    manychat_id: str
    lead_id: str = ""
    etapa: str = ""
    asesor_comercial: str = ""
    asesor_medico: str = ""
    ultimo_estado: str = ""
    sync_status: str = ""


@router.get(
    "/manychat/contacts/{manychat_id}",
    summary="Look up a contact",
    responses=documented(MissingKey),
)
async def look_up(request: Request, manychat_id: str) -> ContactAnswer:
    """Where the contact stands, for a flow to branch on; always 200."""
    contact = clean_id(manychat_id).value
    if contact is None:
        return ContactAnswer(existe=NO, manychat_id=manychat_id)
    try:
        desk = desk_of(request.app)
        found = await parts_of(request.app).ask(desk.lookup, contact, seconds=LOOKUP_SECONDS)
    except Exception:  # noqa: BLE001  (a flow cannot handle an error: it is told "unknown")
        _log.warning("lookup_failed", manychat_id=contact, exc_info=True)
        return ContactAnswer(existe=UNKNOWN, manychat_id=contact)
    if found is None:
        return ContactAnswer(existe=NO, manychat_id=contact)
    return ContactAnswer(
        existe=YES,
        manychat_id=found.manychat_id,
        lead_id=str(found.lead_id or ""),
        etapa=found.stage or "",
        asesor_comercial=found.commercial or "",
        asesor_medico=found.medical or "",
        ultimo_estado=found.state or "",
        sync_status=found.sync_status,
    )


@old_router.get(
    "/verificar-contacto", summary="Look up a contact, as before", responses=documented(MissingKey)
)
async def verificar_contacto(request: Request, manychat_id: str = "") -> ContactAnswer:
    """The predecessor's look-up: the same answer."""
    return await look_up(request, manychat_id)
