"""One adapter around ManyChat's public API: fields, tags and flows of a contact.

Paths and bodies are as its public clients send them (github.com/pedronastasi/manychat-sdk), the
limits those of its help (help.manychat.com, article 14959510331420): for a page 10 calls a second
that set fields and tags, 25 that send.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import requests

from bridge.errors import AwayError, BridgeError, BusyError
from bridge.manychat.errors import from_answer, from_transport
from bridge.settings import Settings

Timeout = tuple[float, float]

TIMEOUT: Timeout = (3, 10)
MOST_FIELDS = 20
"""So many fields does one call take."""


class Budget(StrEnum):
    """Calls that share one of ManyChat's limits; the value names it in the mirror."""

    SET = "manychat-set"
    FLOW = "manychat-flow"


PER_SECOND = {Budget.SET: 0.8 * 10, Budget.FLOW: 0.8 * 25}
"""Calls a second: four fifths of what ManyChat allows a page."""


class ManyChatClient:
    """Writes to one page's contacts.

    Every method raises AwayError (not reachable, token refused), BusyError (asked too often),
    PermanentError (this contact, field, tag or flow will never do) or TransientError (a call
    that failed; also a time-out, after which it may have been done). `before_call` is called
    before each request with its budget, and may wait or raise.
    """

    def __init__(
        self,
        url: str,
        token: str,
        timeout: Timeout = TIMEOUT,
        *,
        before_call: Callable[[Budget], None] = lambda _budget: None,
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._before_call = before_call
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def from_settings(
        cls, settings: Settings, before_call: Callable[[Budget], None]
    ) -> ManyChatClient | None:
        """A client for `MANYCHAT_API_TOKEN`; None where there is none. Nothing is sent yet."""
        token = settings.manychat_api_token
        if token is None:
            return None
        return cls(settings.manychat_api_url, token.get_secret_value(), before_call=before_call)

    def set_fields(self, manychat_id: str, values: Mapping[str, str]) -> None:
        """Set custom fields, by their names; at most MOST_FIELDS.

        `setCustomFields` takes for each field its `field_id` or its `field_name`, never both.
        """
        if len(values) == 1:
            [(name, value)] = values.items()
            told: dict[str, Any] = {"field_name": name, "field_value": value}
            self._post("subscriber/setCustomFieldByName", manychat_id, told)
            return
        fields = [{"field_name": name, "field_value": value} for name, value in values.items()]
        self._post("subscriber/setCustomFields", manychat_id, {"fields": fields})

    def add_tag(self, manychat_id: str, name: str) -> None:
        self._post("subscriber/addTagByName", manychat_id, {"tag_name": name})

    def remove_tag(self, manychat_id: str, name: str) -> None:
        self._post("subscriber/removeTagByName", manychat_id, {"tag_name": name})

    def start_flow(self, manychat_id: str, flow: str) -> None:
        """Start a flow, by its namespace. Twice called, it runs twice."""
        self._post("sending/sendFlow", manychat_id, {"flow_ns": flow}, Budget.FLOW)

    def ping(self) -> None:
        """The cheap probe. Raises AwayError or BusyError whatever stands in the way."""
        self._before_call(Budget.SET)
        error = self._answer("GET", "page/getInfo", None)
        if isinstance(error, BusyError):
            raise error
        if error:
            raise AwayError(error.code, error.detail)

    def _post(
        self, path: str, manychat_id: str, body: Mapping[str, Any], budget: Budget = Budget.SET
    ) -> None:
        self._before_call(budget)
        id = int(manychat_id) if manychat_id.isascii() and manychat_id.isdecimal() else manychat_id
        error = self._answer("POST", path, {"subscriber_id": id, **body})
        if error:
            raise error

    def _answer(self, verb: str, path: str, body: Mapping[str, Any] | None) -> BridgeError | None:
        try:
            response = self._session.request(
                verb, f"{self._url}/fb/{path}", json=body, timeout=self._timeout,
                allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            return from_transport(error)
        return from_answer(response)
