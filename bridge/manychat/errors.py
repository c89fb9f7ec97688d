"""The translator: the only place that reads errors of `requests` and of ManyChat's API.

ManyChat says `{"status": "error", …}` under several HTTP codes, 200 among them: `status` decides.
Its texts may quote a contact's values, so none of them leaves this module.

Of a page that asked too much its help says that it "may stop processing requests for 24 hours"
(help.manychat.com, article 14959510331420); what it answers then is documented nowhere. HTTP 429
is enough for a hold, the words only tell of its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import requests

from bridge.errors import AwayError, BridgeError, BusyError, PermanentError, TransientError

UNANSWERED = "manychat_timeout"
REFUSED = "manychat_refused"
TOKEN_REFUSED = "manychat_token_refused"  # noqa: S105  (the name of an error)
BUSY = "manychat_busy"
LONGEST_HOLD = 86_400.0
"""Seconds; ManyChat may stop a page that asked too much for a day."""

_BLOCKED = re.compile(r"24[\s-]*h(?:our|r|\b)", re.IGNORECASE)
_TOO_OFTEN = re.compile(r"rate.?limit|too many|limit (?:is )?(?:exceeded|reached)", re.IGNORECASE)
_TOKEN = re.compile(r"\btoken\b|unauthori[sz]ed|not authorized", re.IGNORECASE)


def from_transport(error: requests.RequestException) -> BridgeError:
    """The bridge's error for a call that got no answer."""
    name = type(error).__name__
    if isinstance(error, requests.ReadTimeout):
        return TransientError(UNANSWERED, name)  # it may have been done all the same
    if isinstance(error, requests.ConnectTimeout):
        return AwayError("manychat_unreachable", name)
    if isinstance(error, requests.ConnectionError):
        if "NewConnectionError" in str(error) or "NameResolution" in str(error):
            return AwayError("manychat_unreachable", name)
        return TransientError(UNANSWERED, name)  # cut off while it was answering
    if isinstance(error, ValueError):  # requests' own classes for a URL that is none
        return AwayError("manychat_bad_url", name)
    return TransientError(UNANSWERED, name)


def from_answer(response: requests.Response) -> BridgeError | None:
    """The bridge's error for an answer, None for one that says `success`."""
    body = _object(response)
    code, said = response.status_code, _words(body)
    if code == 429 or (body.get("status") != "success" and _TOO_OFTEN.search(said)):
        return BusyError(BUSY, str(code), retry_after=_hold(response, said))
    if body.get("status") == "success":
        return None
    if code in (401, 403) or (body and _TOKEN.search(said)):
        return AwayError(TOKEN_REFUSED, str(code))
    if body.get("status") == "exception":  # ManyChat's own fault
        return TransientError("manychat_exception", str(code))
    if code >= 500 or not body:
        return TransientError(f"manychat_http_{code}", "no answer of its API")
    return PermanentError(REFUSED, _detail(code, body, said))


def _hold(response: requests.Response, said: str) -> float | None:
    """Seconds for which nothing may be asked; None where the answer does not say."""
    if _BLOCKED.search(said):
        return LONGEST_HOLD
    told = response.headers.get("Retry-After", "")
    return min(float(told), LONGEST_HOLD) if told.isdecimal() else None


def _detail(code: int, body: Mapping[str, Any], said: str) -> str:
    """What was wrong, in words of our own and ManyChat's number for it."""
    number = body.get("code")
    # "Subscriber last interaction was over 266h ago (more than 24 hours ago)": Meta's rule for
    # messages, not a block of the page; seen in its clients' logs, documented nowhere
    known = {r"^3011\b|last interaction": "the contact has not written for a day",
             r"\bsubscriber\b.*\bnot (exist|found)": "no such contact",
             r"\bfield\b": "no such field or value", r"\btag\b": "no such tag",
             r"\bflow\b": "no such flow"}  # fmt: skip
    said = f"{number} {said}"
    words = [text for word, text in known.items() if re.search(word, said, re.IGNORECASE)]
    shown = f" {number}" if isinstance(number, int) else ""
    return f"{code}{shown}" + (f": {words[0]}" if words else "")


def _words(body: Mapping[str, Any]) -> str:
    """What the answer says in words: its message and those of its details."""
    details = body.get("details")
    return f"{body.get('message') or ''} {details or ''}"[:2000]


def _object(response: requests.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
