"""The OpenAPI document and its page, unless `DOCS_PUBLIC` is false."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from bridge.api.parts import settings_of

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_KEEP = "public, max-age=86400"


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
    """Swagger UI over the document; the browser needs nothing from elsewhere."""
    root = str(request.scope.get("root_path", ""))
    script, style, icon = (f"{root}/docs/{name}" for name in ASSETS)
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=request.app.title,
        swagger_js_url=script,
        swagger_css_url=style,
        swagger_favicon_url=icon,
    )


@router.get("/docs/{name}")
def asset(name: str) -> Response:
    """One of the page's files, from the package that keeps them."""
    if name not in ASSETS:
        raise HTTPException(404)
    content = files("fastapi_offline").joinpath("static", name).read_bytes()
    return Response(content, media_type=ASSETS[name], headers={"Cache-Control": _KEEP})
