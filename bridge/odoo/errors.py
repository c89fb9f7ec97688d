"""The translator: the only place that reads errors of `requests` and of Odoo's JSON-RPC.

Odoo's own texts may quote values of a lead, so none of them leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import requests

from bridge.errors import AwayError, BridgeError, BusyError, TransientError

LOGIN_REFUSED = "odoo_login_refused"
NO_RIGHTS = "odoo_no_rights"
ADDON_MISSING = "odoo_addon_missing"
NO_DATABASE = "odoo_no_database"

_AWAY_BY_NAME = {
    "odoo.exceptions.AccessDenied": LOGIN_REFUSED,
    "odoo.http.SessionExpiredException": LOGIN_REFUSED,
    "odoo.exceptions.AccessError": NO_RIGHTS,
    "psycopg2.OperationalError": NO_DATABASE,
}
# Both are also raised by plain bugs of an addon, so the text has to be read.
_MISSING = re.compile(r"The method '[^']+' does not exist|Object \S+ doesn't exist")


def from_transport(error: requests.RequestException) -> BridgeError:
    """The bridge's error for a call that got no answer."""
    name = type(error).__name__
    if isinstance(error, requests.ReadTimeout):
        return TransientError("odoo_timeout", name)  # it may have been done all the same
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return AwayError("odoo_unreachable", name)
    if isinstance(error, ValueError):  # requests' own classes for a URL that is none
        return AwayError("odoo_bad_url", name)
    return TransientError("odoo_no_answer", name)


def from_status(response: requests.Response) -> BridgeError | None:
    """The bridge's error for an HTTP answer, None when the answer may be read."""
    status = response.status_code
    if status == 200:
        return None
    if status in (429, 503):
        return BusyError("odoo_busy", str(status), retry_after=_retry_after(response))
    if status < 500 or status in (502, 504):
        return AwayError(f"odoo_http_{status}", "not an answer of Odoo's JSON-RPC")
    return TransientError(f"odoo_http_{status}")


def from_answer(error: Mapping[str, Any]) -> BridgeError:
    """The bridge's error for the `error` object of a JSON-RPC answer."""
    data = error.get("data")
    data = data if isinstance(data, Mapping) else {}
    name = str(data.get("name") or "")
    if _MISSING.search(str(data.get("message") or "")):
        return AwayError(ADDON_MISSING, name)
    if name in _AWAY_BY_NAME:
        return AwayError(_AWAY_BY_NAME[name], name)
    return TransientError(_code(name), name[:100])


def _code(name: str) -> str:
    """`odoo.exceptions.ValidationError` → `odoo_validation_error`."""
    last = re.sub(r"\W", "", name.rpartition(".")[2]) or "unknown_error"
    return "odoo_" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).lower()[:60]


def _retry_after(response: requests.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None
