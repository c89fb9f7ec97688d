"""One request to the bridge, at the very address that was checked."""

import json

import requests
from requests.adapters import HTTPAdapter

from .bridge_url import safe_address

MAX_ANSWER_BYTES = 64 * 1024


class _NamedHost(HTTPAdapter):
    """Connects to an address and expects the certificate of a name."""

    def __init__(self, host):
        self._host = host
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        names = {"server_hostname": self._host, "assert_hostname": self._host}
        return super().init_poolmanager(*args, **kwargs, **names)


def ask(bridge, path, key, timeout, method="GET"):
    """Return ``(status, body)`` of a request; ``body`` is its JSON object, {} where it is none.

    Raises ``UnsafeUrl`` for an address that is refused, ``requests.RequestException`` or
    ``ValueError`` where nothing usable answers. No redirect is followed, no proxy asked.
    """
    address = safe_address(bridge)
    with requests.Session() as session:
        session.trust_env = False
        if bridge.scheme == "https":
            session.mount("https://", _NamedHost(bridge.host))
        host = bridge.url.split("/")[2]
        with session.request(
            method,
            bridge.at(address) + path,
            headers={"Host": host, "X-API-KEY": key},
            timeout=timeout,
            allow_redirects=False,
            stream=True,
        ) as answer:
            return answer.status_code, _object(answer)


def _object(answer):
    body = next(answer.iter_content(MAX_ANSWER_BYTES), b"")
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
