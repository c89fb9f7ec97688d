"""Bodies that come too slowly or never end are cut off, on real sockets; the API goes on."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from bridge.api.bodies import DRAIN_LIMIT
from devstack.bridge_processes import Bridge

PATH = "/api/v1/manychat/webhook/contact"
PATIENCE = 30.0
"""Seconds until a test gives up: far beyond what the bridge waits for a body."""
MOST_SENT = 64 * DRAIN_LIMIT


def head(key: str, *more: str) -> bytes:
    lines = [f"POST {PATH} HTTP/1.1", "Host: bridge.test", f"X-API-KEY: {key}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_to(bridge: Bridge, parts: Iterator[bytes]) -> tuple[int, bytes, int]:
    """Send all parts, or as many as are taken: status, answer up to the close, bytes sent."""
    with socket.create_connection(("127.0.0.1", bridge.port), PATIENCE) as connection:
        sent = send(connection, parts)
        received = b""
        while more := receive(connection):
            received += more
    status = int(received.split(b" ", 2)[1]) if received else 0
    return status, received, sent


def send(connection: socket.socket, parts: Iterator[bytes]) -> int:
    sent = 0
    for part in parts:
        try:
            connection.sendall(part)
        except ConnectionError:
            break
        sent += len(part)
    return sent


def receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def endless(first: bytes) -> Iterator[bytes]:
    yield first
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(MOST_SENT // len(chunk)):
        yield chunk


def test_a_body_that_stops_coming_is_answered_kept_and_cut_off(bridge: Bridge) -> None:
    begun = head(bridge.webhook_api_key, "Content-Length: 500") + b'{"manychat_id": "MC-SLOW"'
    status, received, _ = answer_to(bridge, iter([begun]))
    assert status == 422
    assert b"incomplete_body" in received
    assert b"connection: close" in received.lower()


@pytest.mark.parametrize("known", [True, False])
def test_a_body_that_never_ends_is_cut_off_with_and_without_a_key(
    bridge: Bridge, known: bool
) -> None:
    key = bridge.webhook_api_key if known else "wrong"
    parts = endless(head(key, "Transfer-Encoding: chunked"))
    status, _, sent = answer_to(bridge, parts)
    # a sender that is still writing when the connection closes may not see the answer
    assert status in {0, 413 if known else 401}
    assert sent < MOST_SENT // 2


def test_a_head_that_never_ends_is_cut_off(bridge: Bridge) -> None:
    def headers() -> Iterator[bytes]:
        yield head(bridge.webhook_api_key).removesuffix(b"\r\n")
        for number in range(MOST_SENT // 1024):
            yield b"X-%d: " % number + b"x" * 1000 + b"\r\n"

    status, received, sent = answer_to(bridge, headers())
    assert status in {0, 400}
    assert received == b"" or b"Request head too large." in received
    assert sent < MOST_SENT // 2


def test_whoever_is_slow_keeps_nobody_waiting(bridge: Bridge) -> None:
    slow = head(bridge.webhook_api_key, "Content-Length: 500") + b"{"
    with ThreadPoolExecutor(40) as threads:
        held = [threads.submit(answer_to, bridge, iter([slow])) for _ in range(40)]
        answer = requests.post(
            bridge.api_url + PATH,
            data=json.dumps({"manychat_id": "MC-QUICK"}),
            headers={"X-API-KEY": bridge.webhook_api_key},
            timeout=PATIENCE,
        )
        assert not any(future.done() for future in held)
        assert {future.result()[0] for future in held} == {422}
    assert answer.status_code == 202
    assert "connection" not in answer.headers
