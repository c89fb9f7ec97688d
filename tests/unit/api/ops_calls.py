"""Calls `/ops` as a browser would: with its cookie, and with forms."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from tests.unit.api.conftest import ADMIN, Answer, Api

FORM = "application/x-www-form-urlencoded"


class Visitor:
    """Someone with a browser; `log_in` gives it a session."""

    def __init__(self, api: Api, base: str = "/ops") -> None:
        self.api, self.base, self.cookie = api, base, ""

    async def get(self, path: str = "", **headers: str) -> Answer:
        return await self._call("GET", path, b"", headers)

    async def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> Answer:
        given = {"content-type": FORM} | headers
        return await self._call("POST", path, urlencode(fields or {}).encode(), given)

    async def press(self, path: str, **fields: str) -> Answer:
        """A button of the first page, with its token."""
        return await self.post(path, {"token": await self.token()} | fields)

    async def token(self) -> str:
        found = re.search(
            r'name="token" value="(\w+)"', (await self.get("/trace")).content.decode()
        )
        assert found
        return found[1]

    async def log_in(self, key: str = ADMIN) -> Answer:
        return await self.post("/login", {"key": key})

    async def _call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        given = ({"cookie": self.cookie} if self.cookie else {}) | headers
        answer = await self.api.call(method, self.base + path, body, **given)
        kept = answer.headers.get("set-cookie")
        if kept:
            self.cookie = kept.partition(";")[0]
        return answer
