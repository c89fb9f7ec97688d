"""Every error of the storage SDK gets its class."""

from __future__ import annotations

import traceback
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from bridge.errors import AwayError, BridgeError, BusyError, PermanentError, TransientError
from bridge.queue.errors import LeaseLost, QueueMissing, translated, translating


def http_error(
    status: int, code: str | None = None, headers: dict[str, str] | None = None, cls: Any = None
) -> HttpResponseError:
    error: HttpResponseError = (cls or HttpResponseError)(message="SECRET-REMOTE-TEXT")
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]
    error.response = SimpleNamespace(headers=headers or {})  # type: ignore[assignment]
    return error


@pytest.mark.parametrize(
    ("error", "cls", "code"),
    [
        (ServiceRequestError("x"), AwayError, "queue_unreachable"),
        (ServiceRequestTimeoutError("x"), AwayError, "queue_unreachable"),
        (ServiceResponseError("x"), TransientError, "queue_no_answer"),
        (ServiceResponseTimeoutError("x"), TransientError, "queue_no_answer"),
        (ClientAuthenticationError("x"), AwayError, "queue_no_credentials"),
        (AzureError("x"), TransientError, "queue_error"),
        (http_error(400, "PopReceiptMismatch"), LeaseLost, "lease_lost"),
        (
            http_error(404, "MessageNotFound", cls=ResourceNotFoundError),
            LeaseLost,
            "lease_lost",
        ),
        (http_error(404, "QueueNotFound"), QueueMissing, "queue_missing"),
        (
            http_error(404, None, {"x-ms-error-code": "QueueNotFound"}),
            QueueMissing,
            "queue_missing",
        ),
        (http_error(401), AwayError, "queue_refused"),
        (http_error(403, "AuthorizationFailure"), AwayError, "queue_refused"),
        (http_error(413, "RequestBodyTooLarge"), PermanentError, "too_large"),
        (http_error(429), BusyError, "queue_busy"),
        (http_error(503, "ServerBusy"), BusyError, "queue_busy"),
        (http_error(500, "InternalError"), TransientError, "queue_http_500"),
        (http_error(409, "QueueBeingDeleted"), TransientError, "queue_http_409"),
    ],
)
def test_each_error_has_its_class(error: AzureError, cls: type[BridgeError], code: str) -> None:
    made = translated(error)
    assert type(made) is cls
    assert made.code == code
    assert "SECRET" not in str(made)


@pytest.mark.parametrize(("text", "seconds"), [("7", 7.0), ("", None), ("soon", None)])
def test_the_pause_that_the_service_asks_for_is_kept(text: str, seconds: float | None) -> None:
    made = translated(http_error(503, "ServerBusy", {"Retry-After": text}))
    assert isinstance(made, BusyError)
    assert made.retry_after == seconds


def test_the_remote_text_does_not_travel_with_the_error() -> None:
    with pytest.raises(TransientError) as caught, translating():
        raise http_error(500)
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_a_time_out_of_our_own_means_away() -> None:
    with pytest.raises(AwayError, match="queue_timeout"), translating():
        raise TimeoutError


def test_other_exceptions_pass_untouched() -> None:
    with pytest.raises(KeyError), translating():
        raise KeyError("bug")
