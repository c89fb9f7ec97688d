"""The app over fakes that record, called in process through the ASGI protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import pytest

from bridge.api.app import create_app
from bridge.api.parts import Parts
from bridge.errors import AwayError
from bridge.events.envelope import Envelope
from bridge.settings import Settings

ADMIN, ADMIN_NEXT, FLOW = "admin-key", "admin-key-next", "flow-key"


@dataclass
class Place:
    """One of the two places that keep events; `failure` is raised, `hang` never answers."""

    kept: list[tuple[str, Envelope]] = field(default_factory=list)
    failure: Exception | None = None
    hang: bool = False
    closed: bool = False

    def away(self) -> None:
        self.failure = AwayError("away")

    def take(self, queue_name: str, envelope: Envelope) -> None:
        if self.failure is not None:
            raise self.failure
        self.kept.append((queue_name, Envelope.loads(envelope.checked().dumps())))


class FakeSender(Place):
    """The queue; what waits in it is `age` seconds old."""

    age = 7.25

    async def send(self, queue_name: str, envelope: Envelope) -> None:
        if self.hang:
            await asyncio.sleep(3600)
        self.take(queue_name, envelope)

    async def ping(self) -> None:
        if self.hang:
            await asyncio.sleep(3600)
        if self.failure is not None:
            raise self.failure

    async def depth(self, queue_name: str) -> int:
        await self.ping()
        return sum(name == queue_name for name, _ in self.kept)

    async def waiting_seconds(self, queue_name: str) -> float:
        return self.age if await self.depth(queue_name) else 0.0

    @property
    def is_shut(self) -> bool:
        return self.failure is not None

    async def close(self) -> None:
        self.closed = True


class FakeInbox(Place):
    """The mirror's inbox; a hanging call holds its thread until `release` is called."""

    release: Callable[[], object]

    def keep(self, queue_name: str, envelope: Envelope, now: datetime) -> None:
        assert now.tzinfo is not None
        if self.hang:
            self._block()
        self.take(queue_name, envelope)

    def ping(self) -> None:
        if self.hang:
            self._block()
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        self.closed = True

    def _block(self) -> None:
        from threading import Event  # noqa: PLC0415  (only a hanging inbox needs it)

        gate = Event()
        self.release = gate.set
        gate.wait(30)


@dataclass
class Answer:
    """An HTTP answer and, if the app let an error through, that error."""

    status: int
    headers: dict[str, str]
    content: bytes
    error: BaseException | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Api:
    """Calls one app; bodies may come in chunks, and `read` counts the chunks that were taken."""

    def __init__(self, app: Any, sender: FakeSender, inbox: FakeInbox) -> None:
        self.app, self.sender, self.inbox = app, sender, inbox
        self.read = 0

    async def post(self, path: str, body: Any, key: str | None = FLOW, **headers: str) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.call("POST", path, content, key=key, **headers)

    async def get(self, path: str, key: str | None = None) -> Answer:
        """`path` may carry a query."""
        return await self.call("GET", path, b"", key=key)

    async def call(
        self,
        method: str,
        path: str,
        body: bytes | AsyncIterator[dict[str, Any]],
        key: str | None = None,
        **headers: str,
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            given["x-api-key"] = key
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path.partition("?")[0]),
            "raw_path": path.partition("?")[0].encode(),
            "query_string": path.partition("?")[2].encode(),
            "root_path": "",
            "headers": [(n.encode(), v.encode("utf-8")) for n, v in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("bridge.test", 80),
        }
        return await self._run(scope, _whole(body) if isinstance(body, bytes) else body)

    async def _run(self, scope: dict[str, Any], messages: AsyncIterator[dict[str, Any]]) -> Answer:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            self.read += 1
            async for message in messages:
                return message
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        error = None
        try:
            await self.app(scope, receive, send)
        except Exception as raised:  # noqa: BLE001  (what a server would log)
            error = raised
        start = next(m for m in sent if m["type"] == "http.response.start")
        return Answer(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body"),
            error,
        )


async def _whole(body: bytes) -> AsyncIterator[dict[str, Any]]:
    yield {"type": "http.request", "body": body, "more_body": False}


def make_settings(**overrides: Any) -> Settings:
    values = {"api_key": f"{ADMIN}, {ADMIN_NEXT}", "webhook_api_key": FLOW} | overrides
    return Settings(_env_file=None, **values)


MakeApi = Callable[..., Api]


@pytest.fixture
def make_api() -> MakeApi:
    def make(**overrides: Any) -> Api:
        sender, inbox = FakeSender(), FakeInbox()
        app = create_app(make_settings(**overrides), Parts(sender, inbox))
        return Api(app, sender, inbox)

    return make


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    return make_api()


Lifespan = Callable[[Any], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def run_lifespan() -> Lifespan:
    """Start and stop an app; what it said to the server comes back."""

    async def run(app: Any) -> list[dict[str, Any]]:
        asked = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return dict(next(asked))

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        try:
            await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
        except Exception as error:  # noqa: BLE001  (what a server would log)
            said.append({"type": "raised", "error": error})
        return said

    return run
