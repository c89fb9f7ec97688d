"""The two hot calls, against a server that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy

from bridge.errors import AwayError, BusyError, TransientError
from bridge.queue.connect import webhook_client, webhook_wire
from bridge.queue.errors import QueueMissing, translating
from bridge.queue.wire import Wire, _signers
from bridge.settings import load_settings

CUT = "cut"
"""An answer that is none: the connection is closed."""


class Service:
    """Gives `answers` (a status, or CUT) one after the other, and notes what was asked."""

    def __init__(self) -> None:
        self.answers: list[int | str] = []
        self.asked: list[tuple[str, bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line.split(":")[1]) for line in head.splitlines()
                       if line.lower().startswith("content-length")), 0)  # fmt: skip
        self.asked.append((head, await reader.readexactly(length)))
        answer = self.answers.pop(0)
        if answer != CUT:
            code = "x-ms-error-code: QueueNotFound\r\n" if answer == 404 else ""
            writer.write(
                f"HTTP/1.1 {answer} X\r\n{code}Retry-After: 7\r\nContent-Length: 0\r\n"
                "Connection: close\r\n\r\n".encode()
            )
        writer.close()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def wire(service: Service) -> AsyncIterator[Wire]:
    """Signed by its URL, as with a shared access signature."""
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    account = (
        f"QueueEndpoint=http://127.0.0.1:{port}/acc;SharedAccessSignature=sv=2024&sig=a%2Bb%3D"
    )
    wire = webhook_wire(
        load_settings(_env_file=None, api_key="key", azure_storage_connection_string=account), "q-1"
    )
    yield wire
    await wire.close()
    server.close()


async def test_a_put_lives_for_ever_and_keeps_the_signature_of_the_url(
    wire: Wire, service: Service
) -> None:
    service.answers = [201]
    await wire.put("ñ <&>")
    [(head, body)] = service.asked
    assert head.startswith("POST /acc/q-1/messages?messagettl=-1&sv=2024&sig=a%2Bb%3D HTTP/1.1")
    assert body == b"<QueueMessage><MessageText>w7EgPCY+</MessageText></QueueMessage>"


async def test_what_breaks_once_is_tried_once_more(wire: Wire, service: Service) -> None:
    for trouble in (CUT, 500, 503):
        service.answers = [trouble, 201]
        await wire.put("x")
        assert service.answers == []


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([CUT, CUT], AwayError | TransientError),
        ([500, 500], TransientError),
        ([503, 503], BusyError),
        ([404], QueueMissing),
        ([403], AwayError),
    ],
)
async def test_what_stays_broken_is_told_by_its_class(
    wire: Wire, service: Service, answers: list[int | str], error: Any
) -> None:
    service.answers = answers
    with pytest.raises(Exception) as caught, translating():  # noqa: PT011
        await wire.put("x")
    assert isinstance(caught.value, error)
    assert service.answers == []


async def test_a_receipt_with_signs_arrives_as_it_is(wire: Wire, service: Service) -> None:
    service.answers = [204]
    await wire.delete("id", "a+b/c=&d")
    assert "/messages/id?popreceipt=a%2Bb/c%3D%26d&" in service.asked[0][0].replace("%2F", "/")


async def test_managed_identity_signs_by_token() -> None:
    client = webhook_client(
        load_settings(
            _env_file=None,
            api_key="key",
            azure_storage_account_url="https://acc.queue.core.windows.net",
        ),
        "q-1",
    )
    assert [type(one) for one in _signers(client.credential)] == [AsyncBearerTokenCredentialPolicy]
    await client.close()


async def test_a_proxy_of_the_environment_is_used(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    account = "QueueEndpoint=http://storage.example/acc;SharedAccessSignature=sig=a"
    wire = webhook_wire(
        load_settings(_env_file=None, api_key="key", azure_storage_connection_string=account), "q-1"
    )
    service.answers = [201]
    await wire.put("x")
    await wire.close()
    server.close()
    assert service.asked[0][0].startswith("POST http://storage.example/acc/q-1/messages?")
