"""Every error answer: RFC 9457 `application/problem+json`, without a word of what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_problem.error import Problem, StatusProblem
from fastapi_problem.handler import ExceptionHandler, add_exception_handler, new_exception_handler
from rfc9457.openapi import problem_response
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from bridge.errors import BridgeError, PermanentError
from bridge.log import get_logger

_log = get_logger(__name__)


class MissingKey(StatusProblem):
    """No key."""

    status, type_, title = 401, "missing-key", "A valid X-API-KEY header is required."
    headers_ = {"WWW-Authenticate": 'ApiKey realm="bridge", header="X-API-KEY"'}


class WrongKey(MissingKey):
    """A key that nobody gave out, or that was rotated away."""

    type_, title = "wrong-key", "The X-API-KEY header holds no valid key."


class KeyTooNarrow(StatusProblem):
    """The webhook key, on a route that it does not open."""

    status, type_, title = 403, "key-too-narrow", "This key opens only the webhooks."


class TooOften(StatusProblem):
    """The key asked more often than `RATE_LIMIT` allows; nothing was read or kept."""

    status, type_, title = 429, "too-often", "This key asks too often."
    headers_ = {"Retry-After": "1"}


class UnusableBody(StatusProblem):
    """Kept as a dead letter: posting the same again does not help."""

    status, type_, title = 422, "unusable-body", "The body cannot be used; it was kept."


class BodyTooLarge(StatusProblem):
    """Kept as a dead letter, cut."""

    status, type_, title = 413, "body-too-large", "The body is over 32 KiB; its beginning was kept."


class Unavailable(StatusProblem):
    """Neither the queue nor the inbox answered; the event may have been kept all the same."""

    status, type_, title = 503, "unavailable", "Nothing could be kept now; posting again is safe."
    headers_ = {"Retry-After": "5"}


class NotFound(StatusProblem):
    """No such row."""

    status, type_, title = 404, "not-found", "There is no such thing."


class Conflict(StatusProblem):
    """It stands against something that is there; `detail` says what."""

    status, type_, title = 409, "conflict", "It conflicts with what is there."


class TooLarge(StatusProblem):
    """A body over the limit, on a route that keeps nothing."""

    status, type_, title = 413, "too-large", "The body is over 32 KiB."


class InvalidRequest(StatusProblem):
    """A parameter or a body of another form than the document says; `errors` names the places."""

    status, type_, title = 422, "invalid-request", "The request is not valid."


class BadValue(StatusProblem):
    """A value that cannot be used; `detail` names the field and the reason."""

    status, type_, title = 422, "bad-value", "A value cannot be used."


class MirrorAway(StatusProblem):
    """The mirror does not answer, or not in time; a write may have been done all the same."""

    status, type_, title = 503, "mirror-away", "The mirror does not answer now."
    headers_ = {"Retry-After": "5"}


class OdooAway(StatusProblem):
    """Odoo does not answer, refuses the bridge's user, or is not configured; `code` says which."""

    status, type_, title = 503, "odoo-away", "Odoo does not answer now."
    headers_ = {"Retry-After": "5"}


class NotReady(StatusProblem):
    """Neither the queue nor the inbox answers."""

    status, type_, title = 503, "not-ready", "Nothing could be kept now."


class InternalError(StatusProblem):
    """What nobody foresaw; its text stays inside, since it may hold values."""

    status, type_, title = 500, "internal-error", "The bridge failed."

    def __init__(self, _detail: str | None = None) -> None:
        super().__init__()


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem, those of the framework included."""
    handler = new_exception_handler(
        unhandled_wrappers={"default": InternalError},
        request_validation_handler=_invalid_request,
        pre_hooks=[_log_unforeseen],
        post_hooks=[_allow_all],
    )
    add_exception_handler(app, handler, generic_swagger_defaults=False)
    document = app.openapi

    def completed() -> dict[str, Any]:
        made = document()
        schemas = made["components"]["schemas"]
        for methods in made["paths"].values():
            for operation in methods.values():
                _mend_422(operation)
                if "security" in operation:
                    operation["responses"] |= documented(TooOften, as_text=True)
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        return made

    app.openapi = completed  # type: ignore[method-assign]  # FastAPI's own way


def _mend_422(operation: dict[str, Any]) -> None:
    """FastAPI writes its own list of errors where a route has parameters and says nothing."""
    responses = operation["responses"]
    if "HTTPValidationError" not in str(responses.get("422")):
        return
    kinds = (parameter["schema"].keys() for parameter in operation.get("parameters", ()))
    if any(keys - {"type", "title", "default"} for keys in kinds):
        responses |= documented(InvalidRequest, as_text=True)
    else:
        del responses["422"]  # any text will do


def problem_of(error: BridgeError) -> StatusProblem:
    """The problem of what the mirror refused or could not do."""
    if error.code == "not_found":
        return NotFound()
    if error.code in {"conflict", "mirror_conflict"}:
        return Conflict(error.detail or None, code=error.code)
    if isinstance(error, PermanentError):
        return BadValue(error.detail or error.code, code=error.code)
    return MirrorAway(code=error.code)


def documented(
    *problems: type[StatusProblem], as_text: bool = False
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route, one a problem class; the finished document has texts as keys."""
    return {
        str(problem.status) if as_text else problem.status: problem_response(
            problem.title, [problem().marshal()]
        )
        for problem in problems
    }


def _invalid_request(
    _handler: ExceptionHandler, _request: Request, error: RequestValidationError
) -> Problem:
    # pydantic's own list would repeat the inputs
    errors: list[Mapping[str, Any]] = [
        {"loc": list(item["loc"]), "msg": item["msg"], "type": item["type"]}
        for item in error.errors()
    ]
    return InvalidRequest(errors=errors)


def _allow_all(
    content: dict[Any, Any], request: Request, response: Response
) -> tuple[dict[Any, Any], Response]:
    """Starlette names the methods of the first route that has the path, not those of all."""
    if response.status_code == 405:
        routes, methods = request.app.routes, ("GET", "POST", "PUT", "PATCH", "DELETE")
        response.headers["allow"] = ", ".join(
            method
            for method in methods
            if any(r.matches({**request.scope, "method": method})[0] is Match.FULL for r in routes)
        )
    return content, response


def _log_unforeseen(_request: Request, error: Exception) -> None:
    if not isinstance(error, Problem | HTTPException | RequestValidationError):
        _log.error("request_failed", exc_info=error)
