"""The translator: the only place that reads the storage SDK's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from bridge.errors import AwayError, BridgeError, BusyError, PermanentError, TransientError

_LEASE_CODES = frozenset({"PopReceiptMismatch", "MessageNotFound"})


class LeaseLost(TransientError):
    """The message is somebody else's by now, or done: not a fault."""


class QueueMissing(TransientError):
    """The queue does not exist (yet)."""


@contextmanager
def translating() -> Iterator[None]:
    """Raise the bridge's own error for whatever the SDK raises inside the block."""
    try:
        yield
    except AzureError as error:
        # the cause would carry the request with its account and its text
        raise translated(error) from None
    except TimeoutError:
        raise AwayError("queue_timeout") from None


def translated(error: AzureError) -> BridgeError:
    """The bridge's error for one of the SDK's; its detail holds status and code only."""
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return _from_status(error, error.status_code)
    if isinstance(error, ClientAuthenticationError):
        return AwayError("queue_no_credentials", type(error).__name__)
    if isinstance(error, ServiceRequestError):
        return AwayError("queue_unreachable", type(error).__name__)
    if isinstance(error, ServiceResponseError):
        return TransientError("queue_no_answer", type(error).__name__)
    return TransientError("queue_error", type(error).__name__)


def _from_status(error: HttpResponseError, status: int) -> BridgeError:
    code = _storage_code(error)
    detail = f"{status} {code}".strip()
    if code in _LEASE_CODES:
        return LeaseLost("lease_lost", detail)
    if code == "QueueNotFound":
        return QueueMissing("queue_missing", detail)
    if status in (401, 403):
        return AwayError("queue_refused", detail)
    if status == 413:
        return PermanentError("too_large", detail)
    if status in (429, 503):
        return BusyError("queue_busy", detail, retry_after=_retry_after(error))
    return TransientError(f"queue_http_{status}", detail)


def _storage_code(error: HttpResponseError) -> str:
    given = getattr(error, "error_code", None)
    # an enum member in some SDK releases, a text in others
    return str(getattr(given, "value", given) or _header(error, "x-ms-error-code"))


def _retry_after(error: HttpResponseError) -> float | None:
    text = _header(error, "Retry-After")
    return float(text) if text.isdecimal() else None


def _header(error: HttpResponseError, name: str) -> str:
    return str(getattr(error.response, "headers", {}).get(name) or "")
