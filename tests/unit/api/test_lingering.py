"""A connection at the moment of a stop: the next answer ends it, or a short silence does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from bridge.api import lingering
from bridge.api.lingering import MAX_HEAD_BYTES, LingeringProtocol

REQUEST = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, int, ServerState]]:
    monkeypatch.setattr(LingeringProtocol, "ending", False)
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0.3)
    config = Config(app, log_config=None, lifespan="off")
    config.load()
    state = ServerState()

    def protocol() -> LingeringProtocol:
        return LingeringProtocol(config=config, server_state=state, app_state={})

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield host, port, state
    server.close()


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"ok")


def stop(state: ServerState) -> None:
    for connection in list(state.connections):
        connection.shutdown()


async def test_the_request_after_a_stop_is_answered_and_ends_the_connection(
    address: tuple[str, int, ServerState],
) -> None:
    host, port, state = address
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(REQUEST)
    assert b"connection: close" not in await answer_of(reader)
    stop(state)
    writer.write(REQUEST)
    assert b"connection: close" in await answer_of(reader)
    assert await reader.read() == b""


async def test_a_connection_that_stays_silent_is_closed_a_moment_later(
    address: tuple[str, int, ServerState],
) -> None:
    host, port, state = address
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(REQUEST)
    await answer_of(reader)
    stop(state)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(), 0.1)
    async with asyncio.timeout(10):
        while state.connections:
            await asyncio.sleep(0.05)


async def test_a_connection_that_is_made_during_the_stop_ends_as_well(
    address: tuple[str, int, ServerState], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port, _ = address
    monkeypatch.setattr(LingeringProtocol, "ending", True)
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(REQUEST)
    assert b"connection: close" in await answer_of(reader)
    silent, _writer = await asyncio.open_connection(host, port)
    assert await asyncio.wait_for(silent.read(), 10) == b""


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /x",
        b"GET /x HTTP/1.1\r\nX: ",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ",
    ],
    ids=["url", "header", "trailer"],
)
async def test_a_head_without_end_is_refused_before_it_fills_the_memory(
    address: tuple[str, int, ServerState], begun: bytes
) -> None:
    host, port, state = address
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(begun)
    async with asyncio.timeout(10):
        while not any(one.scope for one in state.connections):
            await asyncio.sleep(0)
        writer.write(b"x" * (MAX_HEAD_BYTES + 1))
        assert b"400 Bad Request" in await reader.read()


async def test_a_long_body_is_no_head(address: tuple[str, int, ServerState]) -> None:
    host, port, _ = address
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"POST /x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000000)
    assert b"200 OK" in await answer_of(reader)
    writer.write(REQUEST)
    assert b"200 OK" in await answer_of(reader)


async def test_heads_are_bounded_each_by_itself(address: tuple[str, int, ServerState]) -> None:
    host, port, _ = address
    reader, writer = await asyncio.open_connection(host, port)
    for _ in range(3):
        writer.write(b"GET /x HTTP/1.1\r\nX: " + b"x" * (MAX_HEAD_BYTES // 2) + b"\r\n\r\n")
        assert b"200 OK" in await answer_of(reader)
