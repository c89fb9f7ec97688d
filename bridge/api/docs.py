"""The OpenAPI document and its page, unless `DOCS_PUBLIC` is false."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from bridge.api.parts import settings_of


async def _public(request: Request) -> None:
    # asked at each request: the settings are not known yet when the app is built
    if not settings_of(request.app).docs_public:
        raise HTTPException(404)


router = APIRouter(dependencies=[Depends(_public)], include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request) -> dict[str, Any]:
    """The OpenAPI document."""
    document: dict[str, Any] = request.app.openapi()
    return document


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Swagger UI over the document."""
    root = str(request.scope.get("root_path", ""))
    return get_swagger_ui_html(openapi_url=f"{root}/openapi.json", title=request.app.title)
