"""One adapter around Odoo's external API: `/jsonrpc` today, another transport later."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import Any

import requests

from bridge.errors import AwayError, TransientError
from bridge.odoo.errors import LOGIN_REFUSED, from_answer, from_status, from_transport
from bridge.settings import Settings
from bridge.vault import VaultReader

Timeout = tuple[float, float]

# Odoo retries serialization failures for up to 30 s before it answers.
CALL_TIMEOUT: Timeout = (5, 75)
PROBE_TIMEOUT: Timeout = (3, 10)


class OdooClient:
    """Calls methods of one database as one user; logs in once and keeps the uid.

    Every method raises AwayError (not reachable, refused, addon missing), BusyError or
    TransientError (a call that failed; also a time-out, after which it may have been done).
    `before_call` is called before each request, and may wait (a rate limit) or raise. After a
    refused login `newer_password` is asked whether the password was changed meanwhile.
    """

    def __init__(
        self,
        url: str,
        db: str,
        username: str,
        password: str,
        timeout: Timeout = CALL_TIMEOUT,
        *,
        before_call: Callable[[], None] = lambda: None,
        newer_password: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.url = url.rstrip("/")
        self.db = db
        self._username = username
        self._password = password
        self._timeout = timeout
        self._before_call = before_call
        self._newer_password = newer_password
        self._session = requests.Session()
        self._uid: int | None = None
        self._login_lock = Lock()
        self._ids = count(1)

    @classmethod
    def from_settings(
        cls, settings: Settings, before_call: Callable[[], None] = lambda: None
    ) -> OdooClient:
        """A client for `ODOO_*`; nothing is sent yet."""
        password = settings.odoo_password.get_secret_value()
        who = (settings.odoo_db, settings.odoo_username, password)
        vault = VaultReader(settings)
        return cls(
            settings.odoo_url, *who, before_call=before_call,
            newer_password=lambda: vault.secret("odoo_password"),
        )  # fmt: skip

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """What the method returns; None for a method that returns nothing."""
        try:
            return self._execute(self._login(), model, method, args, kwargs)
        except AwayError as error:
            if error.code != LOGIN_REFUSED:
                raise
        # the key may have been changed under us: the uid is worth one more login
        return self._execute(self._login(again=True), model, method, args, kwargs)

    def version(self) -> dict[str, Any]:
        """Odoo's version facts; needs neither a login nor a database."""
        answer = self._rpc("common", "version", [], PROBE_TIMEOUT)
        if not isinstance(answer, dict):
            raise TransientError("odoo_bad_answer", "version")
        return answer

    def ping(self) -> None:
        """The cheap probe: a fresh login, which also asks Odoo's database.

        Raises AwayError whatever stands in the way.
        """
        try:
            self._login(again=True)
        except TransientError as error:
            raise AwayError(error.code, error.detail) from None

    def _login(self, again: bool = False) -> int:
        with self._login_lock:
            if again or self._uid is None:
                self._uid = None
                self._uid = self._authenticated() or self._authenticated_anew()
            return self._uid

    def _authenticated(self) -> int | None:
        credentials = [self.db, self._username, self._password, {}]
        uid = self._rpc("common", "authenticate", credentials, PROBE_TIMEOUT)
        return uid if isinstance(uid, int) and uid else None

    def _authenticated_anew(self) -> int:
        """Log in with the password that the vault holds now, if that is another one."""
        newer = self._newer_password()
        if newer is not None and newer != self._password:
            self._password = newer
            if uid := self._authenticated():
                return uid
        raise AwayError(LOGIN_REFUSED)

    def _execute(self, uid: int, model: str, method: str, args: Any, kwargs: Any) -> Any:
        params = [self.db, uid, self._password, model, method, list(args), kwargs]
        return self._rpc("object", "execute_kw", params, self._timeout)

    def _rpc(self, service: str, method: str, args: list[Any], timeout: Timeout) -> Any:
        body = {
            "jsonrpc": "2.0",
            "method": "call",
            "params": {"service": service, "method": method, "args": args},
            "id": next(self._ids),
        }
        self._before_call()
        try:
            response = self._session.post(f"{self.url}/jsonrpc", json=body, timeout=timeout)
        except requests.RequestException as error:
            # the cause would hold the URL and the body, password included
            raise from_transport(error) from None
        answer = _object(response)
        if "error" in answer:
            error_object = answer["error"]
            raise from_answer(error_object if isinstance(error_object, dict) else {})
        return answer.get("result")


def _object(response: requests.Response) -> dict[str, Any]:
    error = from_status(response)
    if error:
        raise error
    try:
        answer = response.json()
    except ValueError:
        raise TransientError("odoo_bad_answer", "no JSON") from None
    if not isinstance(answer, dict):
        raise TransientError("odoo_bad_answer", "no object")
    return answer
