"""The two scopes of `X-API-KEY`: full, and webhooks only."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader
from fastapi_problem.error import StatusProblem

from bridge.api.parts import settings_of
from bridge.api.problems import KeyTooNarrow, MissingKey, WrongKey
from bridge.api.rate import count
from bridge.log import get_logger
from bridge.metrics import KEYS_REFUSED
from bridge.settings import Settings

_log = get_logger(__name__)
full_header = APIKeyHeader(
    name="X-API-KEY",
    scheme_name="ApiKey",
    description="A key of `API_KEY`: opens everything.",
    auto_error=False,
)
webhook_header = APIKeyHeader(
    name="X-API-KEY",
    scheme_name="WebhookKey",
    description="A key of `WEBHOOK_API_KEY`: opens the webhooks and the one-contact look-up.",
    auto_error=False,
)


class Scope(StrEnum):
    """What a key opens."""

    FULL = "full"
    WEBHOOK = "webhook"


def scope_of(key: str | None, settings: Settings) -> Scope | None:
    """The scope of a header's value, in time that does not depend on the keys."""
    given = _digest(key)
    full = _matches(given, settings.api_keys)
    webhook = _matches(given, settings.webhook_api_keys)
    return Scope.FULL if full else Scope.WEBHOOK if webhook else None


async def webhook_key(
    request: Request,
    _: Annotated[str | None, Security(full_header)],
    key: Annotated[str | None, Security(webhook_header)],
) -> Scope:
    """Either key. Raises MissingKey, WrongKey, TooOften."""
    scope = scope_of(key, settings_of(request.app))
    if scope is None:
        raise _refusal(request, WrongKey if key else MissingKey)
    await count(request, _digest(key), scope)
    return scope


async def full_key(request: Request, key: Annotated[str | None, Security(full_header)]) -> Scope:
    """A key that opens everything. Raises MissingKey, WrongKey, KeyTooNarrow,
    TooOften.
    """
    scope = scope_of(key, settings_of(request.app))
    if scope is Scope.FULL:
        await count(request, _digest(key), scope)
        return scope
    raise _refusal(request, KeyTooNarrow if scope else WrongKey if key else MissingKey)


def _refusal(request: Request, problem: type[StatusProblem]) -> StatusProblem:
    """Counted and logged by the route's template: a path may hold a contact's id."""
    path = str(getattr(request.scope.get("route"), "path", "unknown"))
    KEYS_REFUSED.labels(problem.type_, path).inc()
    _log.warning("key_refused", http_status=problem.status, code=problem.type_, path=path)
    return problem()


def _digest(key: str | None) -> bytes:
    return sha256((key or "").encode("latin-1", "replace")).digest()


def _matches(given: bytes, keys: Iterable[str]) -> bool:
    found = False
    for key in keys:  # no early exit: every key is compared, whichever matches
        found |= compare_digest(given, sha256(key.encode()).digest())
    return found
