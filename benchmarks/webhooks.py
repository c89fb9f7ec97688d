"""Webhook bodies of the traffic, and clients that post as many at once as they are told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from benchmarks.traffic import Event
from bridge.queue.names import API_VERSION

Post = tuple[str, dict[str, Any]]
"""Kind of a webhook, and its body."""

SPELLED = {
    "first_name": "nombre_lead",
    "last_name": "apellido_lead",
    "phone": "whatsapp",
    "email": "email_lead",
    "channel": "canal_entrada",
    "subscribed_at": "datetime_suscripcion",
}


@dataclass(frozen=True)
class Load:
    """Seconds that all took together, and seconds of each."""

    seconds: float
    each: Sequence[float]

    @property
    def rate(self) -> float:
        return len(self.each) / self.seconds


def as_post(event: Event) -> Post:
    """The webhook call that makes this event."""
    values = event["values"]
    body = {"manychat_id": event["manychat_id"], "datetime_actual": event["occurred_at"]}
    if event["type"] == "stage":
        return "stage-change", {**body, "stage_manychat": values["state"]}
    said = {name: values[key] for key, name in SPELLED.items()}
    return "contact", {**body, **said, "ultimo_estado": values["state"]}


def post_all(url: str, key: str, posts: Sequence[Post], senders: int) -> Load:
    """Post to the API, `senders` at once. Raises RuntimeError for another answer than 202."""
    calls = [(f"{url}/api/v1/manychat/webhook/{kind}", json.dumps(body)) for kind, body in posts]
    headers = {"X-API-KEY": key, "Content-Type": "application/json"}

    async def run() -> Load:
        async with aiohttp.ClientSession(headers=headers) as session:

            async def send(call: tuple[str, str]) -> None:
                async with session.post(call[0], data=call[1]) as answer:
                    if answer.status != 202:
                        raise RuntimeError(f"a webhook answered {answer.status}")
                    await answer.read()

            return await _together(send, calls, senders)

    return asyncio.run(run())


def get_all(urls: Sequence[str], key: str, senders: int) -> Load:
    """Ask the API, `senders` at once. Raises RuntimeError for another answer than 200."""

    async def run() -> Load:
        async with aiohttp.ClientSession(headers={"X-API-KEY": key}) as session:

            async def ask(url: str) -> None:
                async with session.get(url) as answer:
                    text = await answer.text()
                    if answer.status != 200 or "desconocido" in text:
                        raise RuntimeError(f"{url} answered {answer.status}")

            return await _together(ask, urls, senders)

    return asyncio.run(run())


def post_evenly(url: str, key: str, posts: Sequence[Post], per_second: float) -> None:
    """Post to the API at an even pace, whatever it answers meanwhile."""
    began = time.perf_counter()

    async def run() -> None:
        headers = {"X-API-KEY": key}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def send(number: int, kind: str, body: dict[str, Any]) -> None:
                await asyncio.sleep(began + number / per_second - time.perf_counter())
                path = f"{url}/api/v1/manychat/webhook/{kind}"
                async with session.post(path, json=body) as answer:
                    answer.raise_for_status()

            await asyncio.gather(*(send(number, *post) for number, post in enumerate(posts)))

    asyncio.run(run())


def send_bare(connection_string: str, queue: str, texts: Sequence[str], senders: int) -> Load:
    """Nothing but the SDK's fastest client in a loop, `senders` at once."""

    async def run() -> Load:
        client = QueueClient.from_connection_string(
            connection_string,
            queue,
            api_version=API_VERSION,
            message_encode_policy=TextBase64EncodePolicy(),
        )
        async with client:

            async def send(text: str) -> None:
                await client.send_message(text, time_to_live=-1)

            return await _together(send, texts, senders)

    return asyncio.run(run())


async def _together(
    send: Callable[[Any], Awaitable[None]], items: Sequence[Any], senders: int
) -> Load:
    waiting = iter(items)
    each: list[float] = []

    async def sender() -> None:
        for item in waiting:
            began = time.perf_counter()
            await send(item)
            each.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(senders)))
    return Load(time.perf_counter() - began, each)
