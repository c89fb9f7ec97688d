"""Who may see and press what: every route of the page goes through here."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from hmac import compare_digest
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi_problem.error import StatusProblem
from starlette.responses import RedirectResponse

from bridge.api.bodies import read_body
from bridge.api.ops import session
from bridge.api.ops.rendering import base_of, page
from bridge.api.ops.session import COOKIE, Session
from bridge.api.parts import settings_of
from bridge.api.problems import MissingKey
from bridge.log import get_logger

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_HSTS = {"Strict-Transport-Security": "max-age=31536000"}
FORM_TYPE = "application/x-www-form-urlencoded"
_log = get_logger(__name__)


class ForgedForm(StatusProblem):
    """A form that this session's page did not make."""

    status, type_, title = 403, "forged-form", "This form is not from your session: load it again."


class OpsRoute(APIRoute):
    """Answers every refusal as a page, and gives every answer its headers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await handle(request)
            except MissingKey:
                response = _to_login(request)
            except StatusProblem as problem:
                response = _refusal(request, problem)
            _renew(request, response)
            response.headers.update(HEADERS | (_HSTS if is_https(request) else {}))
            return response

        return guarded


async def require_session(request: Request) -> Session:
    """The caller's session. Raises MissingKey."""
    keys = settings_of(request.app).api_keys
    found = session.find(request.cookies.get(COOKIE), keys, time.time())
    if found is None:
        raise MissingKey
    request.state.ops_session = found
    return found


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that this site made. Raises ForgedForm."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForgedForm
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM_TYPE:
        raise ForgedForm
    body = await read_body(request.stream())
    if body.oversized or not body.complete:
        raise ForgedForm
    try:
        fields = parse_qs(body.data.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise ForgedForm from None
    return {name: values[0] for name, values in fields.items()}


async def checked_form(
    request: Request, session: Annotated[Session, Depends(require_session)]
) -> dict[str, str]:
    """The fields of a form with this session's token. Raises MissingKey, ForgedForm."""
    fields = await read_form(request)
    if not compare_digest(fields.get("token", "").encode(), session.form_token.encode()):
        _log.warning("form_refused", http_status=ForgedForm.status)
        raise ForgedForm
    return fields


Known = Annotated[Session, Depends(require_session)]
Form = Annotated[dict[str, str], Depends(checked_form)]


def is_https(request: Request) -> bool:
    """Whether the browser's side of the road is encrypted."""
    return "https" in {request.url.scheme, request.headers.get("x-forwarded-proto")}


def keep(request: Request, response: Response, found: Session) -> None:
    """Give the browser its cookie."""
    response.set_cookie(
        COOKIE, found.cookie, max_age=max(0, found.until - int(time.time())),
        path=base_of(request), secure=is_https(request), httponly=True, samesite="strict",
    )  # fmt: skip


def forget(request: Request, response: Response) -> None:
    """Take the cookie from the browser."""
    request.state.ops_session = None
    response.delete_cookie(
        COOKIE, path=base_of(request), secure=is_https(request), httponly=True, samesite="strict"
    )


def _renew(request: Request, response: Response) -> None:
    found: Session | None = getattr(request.state, "ops_session", None)
    # a page that refreshes itself is nobody's work: it keeps no session alive
    if found is not None and "auto" not in request.query_params:
        keep(request, response, found.renewed(time.time()))


def _to_login(request: Request) -> Response:
    if request.method == "GET":
        return RedirectResponse(f"{base_of(request)}/login", status_code=303)
    return page(request, "login.html", None, status=401, wrong=False, ended=True)


def _refusal(request: Request, problem: StatusProblem) -> Response:
    found = getattr(request.state, "ops_session", None)
    told = {"title": problem.title, "detail": problem.detail or ""}
    return page(request, "refused.html", found, status=problem.status, **told)
